/** Small classes to choose from, below their large ones: 其他 is the name of several. */
import { element } from "./dom.ts";

export interface SmallClass {
  code: string;
  large_name: string;
  small_name: string;
}

/** Groups of options, in the order in which the large classes first come. */
export function classOptions(classes: readonly SmallClass[], chosen = ""): HTMLOptGroupElement[] {
  const groups = new Map<string, HTMLOptGroupElement>();
  for (const { code, large_name, small_name } of classes) {
    let group = groups.get(large_name);
    if (!group) groups.set(large_name, (group = element("optgroup", { label: large_name })));
    group.append(element("option", { value: code, selected: code === chosen }, small_name));
  }
  return [...groups.values()];
}
