import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { didYouMean } from "./didYouMean.ts";
import type { JsonPath } from "./jsonText.ts";

export type SchemaIssueKind = "missing" | "unknown" | "type" | "range" | "value" | "key" | "empty";

/** What a value has against its schema, in words for the person who wrote it. */
export interface SchemaIssue {
  readonly kind: SchemaIssueKind;
  /** One sentence without full stop: `weightMemoryKiB must be a number, is "32"`. */
  readonly message: string;
  readonly remedy: string;
  readonly path: JsonPath;
  /** Whether the path names a key that is wrong, rather than a value. */
  readonly atKey: boolean;
}

export type SchemaValidator = (value: unknown) => readonly SchemaIssue[];

/** Keywords of VS Code's JSON language service in our schemas; they validate nothing. */
const editorKeywords = [
  "allowComments",
  "allowTrailingCommas",
  "defaultSnippets",
  "enumDescriptions",
  "patternErrorMessage",
];

/** A validator for a draft-07 schema. Compiled when it is first called: most runs validate none or one kind of file. */
export function schemaValidator(schema: object): SchemaValidator {
  let validate: ValidateFunction | undefined;
  return (value) => {
    validate ??= new Ajv({ allErrors: true, verbose: true, strictRequired: false })
      .addVocabulary(editorKeywords)
      .compile(schema);
    if (validate(value)) return [];
    return (validate.errors ?? []).flatMap((error) => issueOf(error, value, schema) ?? []);
  };
}

function issueOf(error: ErrorObject, root: unknown, schema: object): SchemaIssue | undefined {
  const path = pathOf(error.instancePath, root);
  const issue = (kind: SchemaIssueKind, message: string, remedy: string, more: JsonPath = []): SchemaIssue => ({
    kind,
    message,
    remedy,
    path: [...path, ...more],
    atKey: kind === "unknown" || kind === "key",
  });
  const name = labelOf(path);
  const given = show(error.data);
  const parent = (error.parentSchema ?? {}) as SchemaObject;
  const example = exampleOf(parent);
  const params = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case "required":
      return issue(
        "missing",
        `${name} has no ${String(params.missingProperty)}`,
        `Add "${String(params.missingProperty)}".`,
      );
    case "additionalProperties":
      return unknownProperty(String(params.additionalProperty), name, parent, schema, issue);
    case "type": {
      const infinite = typeof error.data === "number" && !Number.isFinite(error.data);
      if (infinite) return issue("range", `${name} is too large a number`, `Write a finite number${example}.`);
      const wanted = typeNames[String(params.type)] ?? String(params.type);
      return issue(
        "type",
        `${name} must be ${wanted}, is ${given}`,
        typeRemedy(error.data, String(params.type), wanted, example),
      );
    }
    case "enum":
    case "const": {
      const allowed = error.keyword === "enum" ? (params.allowedValues as readonly unknown[]) : [params.allowedValue];
      return issue("value", `${name} must be ${anyOf(allowed)}, is ${given}`, valueRemedy(error.data, allowed));
    }
    case "pattern":
      // The pattern of a key is reported by "propertyNames", which knows the key's place.
      if (error.propertyName !== undefined) return undefined;
      return issue(
        "value",
        `${name} ${parent.patternErrorMessage ?? "is malformed"}, is ${given}`,
        `Correct the value${example}.`,
      );
    case "propertyNames": {
      const key = String(params.propertyName);
      const says = (parent.propertyNames as SchemaObject | undefined)?.patternErrorMessage ?? "is malformed";
      return issue("key", `A key of ${name} ${says}, is ${show(key)}`, keyRemedy(key, example), [key]);
    }
    case "minimum":
      return issue("range", `${name} must be ${String(params.limit)} or more, is ${given}`, `Raise it${example}.`);
    case "maximum":
      return issue("range", `${name} must be ${String(params.limit)} or less, is ${given}`, `Lower it${example}.`);
    case "exclusiveMinimum":
      return issue("range", `${name} must be more than ${String(params.limit)}, is ${given}`, `Raise it${example}.`);
    case "minItems":
    case "minLength":
    case "minProperties": {
      const limit = Number(params.limit);
      const message = limit === 1 ? `${name} is empty` : `${name} needs ${limit} entries or more`;
      return issue("empty", message, `Add an entry${example}, or remove ${name}.`);
    }
    case "maxLength":
      return issue("range", `${name} is longer than ${String(params.limit)} characters`, "Shorten it.");
    case "if":
      return undefined;
    default:
      return issue("value", `${name} ${error.message ?? "is not valid"}`, `Correct the value${example}.`);
  }
}

interface SchemaObject {
  readonly properties?: Readonly<Record<string, SchemaObject>>;
  readonly patternErrorMessage?: string;
  readonly propertyNames?: unknown;
  readonly examples?: readonly unknown[];
}

const typeNames: Readonly<Record<string, string>> = {
  number: "a number",
  integer: "a whole number",
  string: "a text in quotes",
  boolean: "true or false",
  array: "a list in [ ]",
  object: "an object in { }",
  null: "null",
};

function unknownProperty(
  key: string,
  name: string,
  parent: SchemaObject,
  schema: SchemaObject,
  issue: (kind: SchemaIssueKind, message: string, remedy: string, more: JsonPath) => SchemaIssue,
): SchemaIssue {
  const here = Object.keys(parent.properties ?? {}).filter((known) => known !== "$schema");
  const meant = didYouMean(key, here);
  if (meant) return issue("unknown", `Unknown property ${key}. Did you mean ${meant}?`, `Write "${meant}".`, [key]);
  const section = Object.entries(schema.properties ?? {}).find(([, value]) =>
    Object.hasOwn(value.properties ?? {}, key),
  );
  if (section) return issue("unknown", `${key} belongs in ${section[0]}`, `Move it into "${section[0]}".`, [key]);
  return issue("unknown", `Unknown property ${key} in ${name}`, `Remove it; known are ${here.join(", ")}.`, [key]);
}

function typeRemedy(data: unknown, type: string, wanted: string, example: string): string {
  const numeric = type === "number" || type === "integer";
  if (numeric && typeof data === "string") {
    const number = /^\s*([+-]?\d+(?:\.\d+)?)\s*(.*)$/.exec(data);
    if (number && number[2] === "") return `Write ${number[1]} without quotes.`;
    if (number) return `Write ${number[1]} alone: the unit is in the field's name.`;
  }
  if (type === "array" && (typeof data === "number" || typeof data === "string")) return `Write [${show(data)}].`;
  return `Write ${wanted}${example}.`;
}

function valueRemedy(data: unknown, allowed: readonly unknown[]): string {
  if (typeof data === "string") {
    const meant = didYouMean(
      data,
      allowed.filter((value) => typeof value === "string"),
    );
    if (meant) return `Write ${show(meant)}.`;
    if (allowed.some((value) => typeof value === "number" && String(value) === data.trim()))
      return `Write ${data.trim()} without quotes.`;
  }
  return "Choose one of them.";
}

/** Ways to write a pair of bits that people use: "4X8", "4 x 8", "4*8", "w4a8". */
function keyRemedy(key: string, example: string): string {
  const pair = /^\s*[wW]?(\d+)\s*[xX*×,/aA]\s*(\d+)\s*$/.exec(key);
  const spelled = pair ? `${pair[1]}x${pair[2]}` : undefined;
  return spelled && spelled !== key && /^[2-8]x(4|8|16)$/.test(spelled)
    ? `Write "${spelled}".`
    : `Correct the key${example}.`;
}

function exampleOf(schema: SchemaObject): string {
  const first = schema.examples?.[0];
  return first === undefined ? "" : `, such as ${show(first)}`;
}

/** `weightMemoryKiB`, `weightBits[2]`, `the file` for the root. */
function labelOf(path: JsonPath): string {
  const last = path.at(-1);
  if (last === undefined) return "the file";
  return typeof last === "string" ? last : `${labelOf(path.slice(0, -1))}[${last}]`;
}

/** Longest value quoted in a message; more would push the message itself out of sight. */
const maxShown = 60;

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= maxShown ? text : `${text.slice(0, maxShown - 1)}…`;
}

function anyOf(values: readonly unknown[]): string {
  const shown = values.map(show);
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} or ${shown.at(-1)}`;
}

/** A JSON pointer as a path; a segment is an index where the value it leads into is a list. */
function pathOf(pointer: string, root: unknown): JsonPath {
  const path: (string | number)[] = [];
  let value = root;
  for (const escaped of pointer.split("/").slice(1)) {
    const segment = escaped.replaceAll("~1", "/").replaceAll("~0", "~");
    const key = Array.isArray(value) ? Number(segment) : segment;
    path.push(key);
    value = (value as Readonly<Record<string | number, unknown>>)[key];
  }
  return path;
}
