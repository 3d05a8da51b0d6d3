/** What the service refused of a report that it has, to be corrected and sent again, or left as it is. */
import { button, element } from "../dom.ts";
import { t } from "../words.ts";
import { isPhone } from "./phones.ts";
import type { Draft } from "./shelf.ts";
import { shrunk } from "./shrink.ts";

interface Wishes {
  again: (corrected: Draft) => void;
  leave: () => void;
}

export function unkeptItem(draft: Draft, number: HTMLElement, { again, leave }: Wishes): HTMLElement {
  const said = element("p", { class: "refused", role: "alert" });
  const refused = (part: "phone" | "photo") => draft.unkept.filter((each) => each.part === part);
  const reason = (part: "phone" | "photo") =>
    refused(part).slice(0, 1).map(({ detail }) => element("p", { class: "refused" }, t(`report.unkept.${part}`, { detail })));

  const phone = element("input", { type: "tel", inputmode: "tel", maxlength: 32, autocomplete: "tel" });
  phone.value = draft.unkept.find((each) => each.part === "phone")?.phone ?? "";

  const photos = draft.unkept.flatMap((each) => (each.part === "photo" ? [each.photo] : []));
  const most = photos.length;
  const shots = element("ul", { class: "photos" });
  // The field of a browser says what it is for in the browser's language: its label stands for it.
  const other = element("input", { id: `other-${draft.id}`, type: "file", accept: "image/*", class: "away" });
  const otherLabel = element("label", { class: "add-photo", for: other.id }, t("report.unkept.other"));
  const show = () => {
    other.disabled = otherLabel.hidden = photos.length >= most;
    shots.replaceChildren(...photos.map((photo, i) => {
      const image = element("img", { alt: t("report.photo.n", { n: i + 1 }) });
      image.src = URL.createObjectURL(photo);
      image.addEventListener("load", () => URL.revokeObjectURL(image.src));
      return element("li", {}, image, button("×", () => {
        photos.splice(i, 1);
        show();
      }, { "aria-label": t("report.photo.remove", { n: i + 1 }) }));
    }));
  };
  other.addEventListener("change", () => {
    const file = other.files?.[0];
    other.value = "";
    if (file) void shrunk(file).then((photo) => photos.push(photo), () => (said.textContent = t("report.photo.not_read"))).then(show);
  });
  show();

  const send = () => {
    const written = phone.value.trim();
    if (written && !isPhone(written)) {
      said.textContent = t("report.missing.phone");
      phone.focus();
    } else if (!written && !photos.length) leave();
    else again({ ...draft, state: "waiting", phone: written, photos, sent: 0, unkept: [] });
  };
  return element("li", { class: "unkept" }, element("p", {}, t("report.sent"), " ", number),
    ...reason("phone"), refused("phone").length ? element("label", {}, t("report.unkept.call"), " ", phone) : null,
    ...reason("photo"), ...(most ? [shots, otherLabel, other] : []),
    said,
    element("p", {}, button(t("report.unkept.again"), send, { class: "quiet" }), " ", button(t("report.unkept.leave"), leave, { class: "quiet" })));
}
