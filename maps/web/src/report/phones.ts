/** Numbers that can be called back, by the rule of the service (`plain_phone` in `api/cases/contacts.py`). */
const BETWEEN = /[ \u00a0().\-（）－]/g;
const PHONE = /^(?:1[3-9][0-9]{9}|0[0-9]{2,3}[0-9]{7,8})$/;

export function isPhone(written: string): boolean {
  return PHONE.test(written.trim().replace(BETWEEN, "").replace(/^\+86/, "").replace(/^0086/, ""));
}
