import type { EditorSnapshot, ModelFacts } from "../../src/protocol/editor.ts";
import { el, setChildren, setText, setTitle } from "../dom.ts";
import type { Fold } from "../fold.ts";
import { count, shortBytes, shortCount } from "../format/numbers.ts";

/** What the graph says of itself, after the model's name; the hover has the rest. */
export class Facts {
  readonly element = el("div", { class: "facts" });
  readonly #spans: HTMLElement[] = [];

  update(snapshot: EditorSnapshot | undefined, fold: Fold): void {
    const { model } = snapshot ?? {};
    const texts = model === undefined ? [] : factTexts(model, fold);
    if (snapshot?.hasPlan && snapshot.notices.some((n) => n.kind === "stale")) {
      texts.unshift("plan made for an earlier version of this model");
    }
    while (this.#spans.length < texts.length) this.#spans.push(el("span"));
    for (const [i, text] of texts.entries()) setText(this.#spans[i] as HTMLElement, text);
    setChildren(this.element, this.#spans.slice(0, texts.length));
    setTitle(this.element, model === undefined ? "" : [...texts, ...details(model)].join("\n"));
  }
}

function factTexts(model: ModelFacts, fold: Fold): string[] {
  const narrow = fold === "narrow";
  const size = shortBytes(model.floatBytes);
  return [
    ...(narrow ? [] : [`opset ${model.opset}`]),
    count(model.layers, "layer"),
    `${shortCount(model.params)} parameters`,
    ...(model.macs === undefined ? [] : [`${shortCount(model.macs)} MACs`]),
    narrow ? size : `${size} in ${model.floatType}`,
  ];
}

function details(model: ModelFacts): string[] {
  return [
    `IR version ${model.irVersion}`,
    ...(model.producer === undefined ? [] : [`produced by ${model.producer}`]),
    ...model.assumed.map((a) => `${a.input}: ${a.name} taken as ${a.value}`),
    ...model.notes,
  ];
}
