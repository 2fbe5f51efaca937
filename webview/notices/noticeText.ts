import { formatAmount, formatCount, resourceName } from "../../src/core/plan/format.ts";
import type { EditorSnapshot, Notice, PageCommand } from "../../src/protocol/editor.ts";
import { count } from "../format/numbers.ts";
import { formatAgo } from "../format/time.ts";
import { stoppedText } from "../model/words.ts";
import type { IconName } from "../ui/icons.ts";

/** A banner: what it says and offers. */
export interface Banner {
  readonly key: string;
  readonly tone: "info" | "warning" | "error";
  readonly icon: IconName;
  readonly text: string;
  /** A code that a person can look up, after the text. */
  readonly code?: string;
  readonly actions: readonly { readonly label: string; readonly command: PageCommand }[];
}

/** The words of a notice (DESIGN-NOTES 6). Those that are shown as a band of their own have no banner. */
export function bannerOf(notice: Notice, snapshot: EditorSnapshot): Banner | undefined {
  switch (notice.kind) {
    case "untrusted":
      return {
        key: notice.kind,
        tone: "info",
        icon: "shield",
        text: "Restricted Mode: the model is shown but not run. Sigma, KL and sizes need no run and are complete.",
        actions: [{ label: "Manage Workspace Trust", command: "manageTrust" }],
      };
    case "synthetic":
      return {
        key: notice.kind,
        tone: "warning",
        icon: "warning",
        text: "No calibration set: sensitivities are estimated on synthetic samples (~). They rank layers but do not predict accuracy.",
        actions: [{ label: "Choose Calibration Set…", command: "chooseCalibration" }],
      };
    case "whatIf":
      return whatIf(notice, snapshot);
    case "stale": {
      const layers = count(notice.changed, "layer").replace("layer", "Layer");
      return {
        key: notice.kind,
        tone: "warning",
        icon: "refresh",
        text: `The model changed on disk ${formatAgo(notice.secondsAgo)}: ${formatCount(notice.changed)} of ${count(notice.layers, "layer")} differ. Their figures are from before.`,
        actions: [{ label: `Analyze ${layers}`, command: "analyze" }],
      };
    }
    case "restarted":
      return {
        key: notice.kind,
        tone: "info",
        icon: "refresh",
        text: `${
          notice.layer === undefined
            ? "The SigmaQuant server stopped and was restarted."
            : `The process that runs the model stopped at ${notice.layer} and was restarted.`
        } ${formatCount(notice.kept)} of ${count(notice.total, "measurement")} were kept.`,
        actions: [
          { label: "Resume", command: "resume" },
          { label: "Show Log", command: "showLog" },
        ],
      };
    case "skipped": {
      const [only] = notice.layers;
      const which = notice.layers.length === 1 ? `${only} stays` : `${notice.layers.join(", ")} stay`;
      return {
        key: notice.kind,
        tone: "warning",
        icon: "warning",
        text: `${which} in float: running it stopped ONNX Runtime, or there was no memory for it. All other layers are measured.`,
        actions: [
          { label: "Try Again", command: "analyze" },
          { label: "Show Log", command: "showLog" },
        ],
      };
    }
    case "stopped":
      return {
        key: notice.kind,
        tone: "info",
        icon: "info",
        text: stoppedText(notice),
        actions: [{ label: "Resume", command: "resume" }],
      };
    case "noEvaluation":
      return undefined;
    case "noRuntime":
      return {
        key: notice.kind,
        tone: "warning",
        icon: "warning",
        text: notice.message,
        actions: [{ label: "Show Log", command: "showLog" }],
      };
    case "problem": {
      const place = [notice.file, notice.line].filter((part) => part !== undefined && part !== null).join(":");
      return {
        key: `${notice.kind} ${notice.code} ${place}`,
        tone: "error",
        icon: "error",
        text: place === "" ? notice.message : `${place}: ${notice.message}`,
        code: notice.code,
        actions: [...opener(notice.file), { label: "Show Log", command: "showLog" }],
      };
    }
  }
}

function whatIf(notice: Extract<Notice, { kind: "whatIf" }>, snapshot: EditorSnapshot): Banner {
  const budget = snapshot.budgets.find((b) => b.name === notice.resource);
  const amount = (value: number): string => (budget ? shortAmount(formatAmount(budget.unit, value)) : String(value));
  const still =
    notice.profileLimit === undefined || notice.profileLimit === null
      ? "The profile has no limit for it."
      : `The profile still says ${amount(notice.profileLimit)}.`;
  const what = resourceName(notice.resource);
  const tried =
    notice.limit === null ? `Trying without a limit for ${what}` : `Trying ${amount(notice.limit)} of ${what}`;
  return {
    key: `${notice.kind} ${notice.resource}`,
    tone: "info",
    icon: "pencil",
    text: `${tried}. ${still}`,
    actions: [
      { label: "Write to Profile", command: "writeToProfile" },
      { label: "Reset", command: "resetWhatIf" },
    ],
  };
}

/** `32.0 KiB` as a person writes a limit: `32 KiB`. */
function shortAmount(text: string): string {
  return text.replace(/(\.\d*?)0+(?= |$)/, "$1").replace(/\.(?= |$)/, "");
}

function opener(file: string | undefined): Banner["actions"] {
  if (file?.endsWith(".hwprofile.json")) return [{ label: "Edit Profile", command: "editProfile" }];
  if (file?.endsWith(".sigmaquant.json")) return [{ label: "Open Plan", command: "openPlan" }];
  return [];
}
