import { onOneLine } from "../core/onnx/textNames.ts";

/** Characters that turn the direction of the text around them: what is read is then not what is there. */
const turns = /\p{Bidi_Control}/gu;

/**
 * A text for the terminal. Names come from strangers' files, and a terminal obeys control characters: they become their pictures
 * (`␛`). Line ends stay.
 */
export function onScreen(text: string): string {
  return text.split("\n").map(inCell).join("\n");
}

/** A text in a cell of a table: without line ends, too. */
export function inCell(text: string): string {
  return onOneLine(text).replace(turns, "\ufffd");
}

/** JSON that a terminal can show: what JSON leaves as it is but a terminal may obey is escaped. */
export function jsonOnScreen(json: string): string {
  return json.replace(/[\u007f-\u009f]/g, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
