/** A string value longer than this is cut: embedded tokenizers and stack traces are no reading. Our choice. */
const maxShownString = 200;

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]|\p{Cs}/gu;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const special = /["\\\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\ud800-\udfff]/;

/** Whether the ONNX syntax takes a name as it is (`id`); others are quoted. */
export function isIdentifier(name: string): boolean {
  return identifier.test(name);
}

/** A name as the syntax writes it (`quotable-id`): `conv1`, `"layer1.0.conv1"`, `""`. */
export function nameText(name: string): string {
  return isIdentifier(name) ? name : quoted(name);
}

/** Names as a list. */
export function nameTexts(names: readonly string[]): string {
  return names.map(nameText).join(", ");
}

/**
 * A `quoted-str`: quotes and backslashes have a backslash before them, as ONNX's parser expects it. It has no escapes for line breaks
 * and other control characters, which would break an editor's lines: they appear as their pictures (`␊`).
 */
export function quoted(text: string): string {
  // Nearly all texts are plain, and a model has hundreds of thousands.
  if (!special.test(text)) return `"${text}"`;
  return `"${onOneLine(text).replace(/["\\]/g, "\\$&")}"`;
}

/** A domain, operator or attribute name, which the syntax has only as identifiers, those of domains with dots between them. */
export function qualifiedText(name: string): string {
  return name.split(".").every(isIdentifier) ? name : quoted(name);
}

export interface ShownString {
  /** Quoted. */
  readonly text: string;
  /** Characters that are not shown. */
  readonly leftOut: number;
}

/** A string as a value; a long one is cut. */
export function stringText(text: string): ShownString {
  if (text.length <= maxShownString) return { text: quoted(text), leftOut: 0 };
  // Not between the halves of a character outside of the first plane.
  const cut = /[\ud800-\udbff]/.test(text.charAt(maxShownString - 1)) ? maxShownString - 1 : maxShownString;
  return { text: quoted(`${text.slice(0, cut)}…`), leftOut: text.length - cut };
}

const utf8 = new TextDecoder();

/** Bytes of an attribute as a string value; what is no UTF-8 appears as U+FFFD. */
export function bytesText(bytes: Uint8Array): ShownString {
  // Four bytes are the most that a character takes; of megabytes no more is decoded than is shown.
  const most = maxShownString * 4 + 4;
  if (bytes.length <= most) return stringText(utf8.decode(bytes));
  const { text } = stringText(utf8.decode(bytes.subarray(0, most)));
  return { text, leftOut: bytes.length - maxShownString };
}

/** A text without anything that an editor takes for the end of a line, or for a binary file. */
export function onOneLine(text: string): string {
  return text.replace(unprintable, (found) => {
    const code = found.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? "␡" : "\ufffd";
  });
}
