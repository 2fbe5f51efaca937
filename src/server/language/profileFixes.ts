import type { ProfileProblem } from "../../core/hardware/profileProblem.ts";
import type { Fix } from "./finding.ts";
import { insertEntry, removeEntry, removeMember, replaceNode, setPath } from "./jsonEdits.ts";
import { type JsonNode, jsonTree, memberOf, valueAt } from "./jsonTree.ts";
import type { ProfileText } from "./profileText.ts";
import { applySpanEdits, differenceOf, endOf, type Span, touches } from "./textEdits.ts";

/** What takes a problem of a profile away, where that is plain; nothing where a person has to know a figure. */
export function fixesOf(profile: ProfileText, problem: ProfileProblem): readonly Fix[] {
  const { root, text } = profile;
  if (!root) return [];
  const { path, code } = problem;
  const parent = valueAt(root, path.slice(0, -1));
  const last = path.at(-1);
  const remove = (title: string, key = String(last)): Fix => ({
    title,
    edits: parent ? removeMember(text, parent, key) : [],
  });
  switch (code) {
    case "SQ3003":
      return duplicateFixes(text, root, problem);
    case "SQ3005":
      return [...written(problem), ...moved(text, root, problem), remove(`Remove ${last}`)];
    case "SQ3011":
      if (parent?.type !== "array" || typeof last !== "number") return [];
      return [
        {
          title: `Remove the second ${parent.children?.[last]?.value}`,
          edits: removeEntry(text, parent, last),
          preferred: true,
        },
      ];
    case "SQ3012":
      return operatorBitsFixes(text, root, problem);
    case "SQ3013":
      return [remove(`Remove "${last}"`)];
    case "SQ3017":
      return [remove("Remove maxDropPercent"), remove("Remove maxDropPoints", "maxDropPoints")];
    case "SQ3019":
      return [remove("Remove weightBits", "weightBits"), remove("Remove float", "float")];
    case "SQ3024":
      return [remove("Remove the budget")];
    case "SQ3027":
      return contradictionFixes(text, root, problem);
    case "SQ3028":
      return bitsFixes(text, parent, last);
    default:
      return written(problem);
  }
}

/** Remedies that name the value: `Write "Gemm".`, `Write 32 without quotes.`, `Write [4].`, `Write 442 or less, or give its source.` */
const writeRemedy =
  /^Write ("[^"]*"|\[.*\]|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?: without quotes| alone: .*| or less| or more)?(?:, or give .*)?\.$/;

function written(problem: ProfileProblem): readonly Fix[] {
  const literal = writeRemedy.exec(problem.remedy)?.[1];
  if (literal === undefined || !isJson(literal)) return [];
  return [{ title: `Change to ${literal}`, edits: [replaceNode(problem, literal)], preferred: true }];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** `Move it into "budgets".` */
function moved(text: string, root: JsonNode, { path, remedy }: ProfileProblem): readonly Fix[] {
  const section = /^Move it into "(\w+)"\.$/.exec(remedy)?.[1];
  const key = String(path.at(-1));
  const parent = valueAt(root, path.slice(0, -1));
  const member = memberOf(parent, key);
  if (section === undefined || !parent || !member || memberOf(memberOf(root, section)?.value, key)) return [];
  const { offset, length } = member.value;
  // One after the other: a section that is made may stand where the member goes away.
  const removed = applySpanEdits(text, removeMember(text, parent, key));
  const rest = jsonTree(removed);
  if (!rest) return [];
  const value = text.slice(offset, offset + length);
  const edits = differenceOf(text, applySpanEdits(removed, setPath(removed, rest, [section, key], value)));
  return [{ title: `Move ${key} into ${section}`, edits, preferred: true }];
}

function duplicateFixes(text: string, root: JsonNode, { path, offset }: ProfileProblem): readonly Fix[] {
  const parent = valueAt(root, path.slice(0, -1));
  const key = path.at(-1);
  const same = (parent?.children ?? []).flatMap((property, index) =>
    property.children?.[0]?.value === key ? [{ property, index }] : [],
  );
  const [first] = same;
  if (!parent || !first || same.length < 2) return [];
  const flagged = same.find(({ property }) => property.offset === offset);
  const title = `Remove the first ${JSON.stringify(key)}, which counts for nothing`;
  const fixes: Fix[] = [{ title, edits: removeEntry(text, parent, first.index), preferred: true }];
  if (flagged) {
    fixes.push({ title: `Remove this ${JSON.stringify(key)}`, edits: removeEntry(text, parent, flagged.index) });
  }
  return fixes;
}

/** Bits of an operator that the device does not list: away with them, or into the device's list. */
function operatorBitsFixes(text: string, root: JsonNode, { path }: ProfileProblem): readonly Fix[] {
  const list = valueAt(root, path.slice(0, -1));
  const index = path.at(-1);
  if (list?.type !== "array" || typeof index !== "number") return [];
  const bits = list.children?.[index]?.value;
  if (typeof bits !== "number") return [];
  const fixes: Fix[] = [{ title: `Remove ${bits} here`, edits: removeEntry(text, list, index), preferred: true }];
  const device = memberOf(root, "weightBits")?.value;
  if (device?.type === "array") {
    const place = (device.children ?? []).findLastIndex(({ value }) => Number(value) < bits) + 1;
    fixes.push({ title: `Add ${bits} to weightBits`, edits: insertEntry(text, device, place, String(bits)) });
  }
  return fixes;
}

/** Back to what the preset has: its figure, or without what it lacks. */
function contradictionFixes(text: string, root: JsonNode, problem: ProfileProblem): readonly Fix[] {
  const { path } = problem;
  const parent = valueAt(root, path.slice(0, -1));
  const last = path.at(-1);
  if (typeof last === "number") return bitsFixes(text, parent, last);
  if (path[0] !== "operators") return written(problem);
  return parent ? [{ title: `Remove ${last}`, edits: removeMember(text, parent, String(last)), preferred: true }] : [];
}

function bitsFixes(text: string, list: JsonNode | undefined, index: string | number | undefined): readonly Fix[] {
  if (list?.type !== "array" || typeof index !== "number") return [];
  const title = `Remove ${list.children?.[index]?.value}`;
  return [{ title, edits: removeEntry(text, list, index), preferred: true }];
}

/** Lists of bits in a part of the text that are not in ascending order, and the edits that sort them; comments stay at their places. */
export function sortActions({ root }: ProfileText, span: Span): readonly Fix[] {
  const operators = memberOf(root, "operators")?.value;
  const lists = [
    ["weightBits", memberOf(root, "weightBits")],
    ["activationBits", memberOf(root, "activationBits")],
    ...(operators?.children ?? []).map((operator) => {
      const [name, value] = operator.children ?? [];
      return [`weightBits of ${name?.value}`, memberOf(value, "weightBits")] as const;
    }),
  ] as const;
  return lists.flatMap(([name, member]): readonly Fix[] => {
    const items = member?.value.type === "array" ? (member.value.children ?? []) : [];
    if (!member || !touches(span, { offset: member.key.offset, length: endOf(member.value) - member.key.offset }))
      return [];
    const values = items.map(({ value }) => Number(value));
    const sorted = values.toSorted((a, b) => a - b);
    const edits = items.flatMap((item, i) => (values[i] === sorted[i] ? [] : [replaceNode(item, String(sorted[i]))]));
    return edits.length === 0 || values.some(Number.isNaN) ? [] : [{ title: `Sort ${name}`, edits }];
  });
}
