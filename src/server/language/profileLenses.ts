import { accuracyWords } from "./accuracyText.ts";
import { nearestLimits } from "./feasible.ts";
import { type Lens, lensCommands } from "./lens.ts";
import { unreachable } from "./onDevice.ts";
import type { ProfileContext, ShownModel } from "./profileContext.ts";
import { plural } from "./words.ts";

/** More models than these would push the profile itself off the screen. */
const maxModels = 5;

/** What would come out for each model, above the profile; and above its budgets, whether they can be met. */
export function profileLenses(context: ProfileContext): readonly Lens[] {
  const lenses = context.models.slice(0, maxModels).flatMap((shown) => modelLenses(context, shown));
  const more = context.models.length - maxModels;
  return [
    ...lenses,
    ...(more > 0 ? [{ offset: 0, title: `${plural(more, "model")} more` }] : []),
    ...budgetLenses(context),
  ];
}

function modelLenses({ uri }: ProfileContext, { model, shown }: ShownModel): readonly Lens[] {
  const { known } = model;
  const about = { uri: known.uri, profile: uri };
  const title = `$(play) Allocate ${known.fileName}: ${outcome(shown)}`;
  return [
    { offset: 0, title, command: { command: lensCommands.allocateFor, arguments: [about] } },
    {
      offset: 0,
      title: "Compare devices",
      command: { command: lensCommands.compareOn, arguments: [about] },
    },
    {
      offset: 0,
      title: "Open model",
      command: { command: lensCommands.showLayer, arguments: [{ uri: known.uri }] },
    },
  ];
}

/** `fits, 3.1 bits on average, −0.4 points (measured)` */
function outcome({ verdict, averageBits, accuracy }: ShownModel["shown"]): string {
  const average = averageBits > 0 ? [`${averageBits.toFixed(1)} bits on average`] : [];
  if (verdict.verdict === "feasible") return ["fits", ...average, accuracyWords(accuracy)].join(", ");
  // `Does not fit: weight memory is 1.4 KiB over` in the middle of a sentence.
  const why = verdict.headline.charAt(0).toLowerCase() + verdict.headline.slice(1).replace(": ", ", ");
  return [why, ...average].join(", ");
}

/** `5 budgets, 1 cannot be met` and `Set all to nearest feasible`, for the model that was last in use. */
function budgetLenses({ uri, profile, models }: ProfileContext): readonly Lens[] {
  const [first] = models;
  const place = profile.parsed.locate(["budgets"], "key");
  if (!first || !place) return [];
  const { model } = first;
  const count = plural(Object.keys(model.device.profile.budgets).length, "budget");
  const { optimum, smallest } = model.live();
  const alone = unreachable(model).size;
  if (alone === 0 && !smallest) {
    // With neither, the time was too short to tell.
    return [{ offset: place.offset, title: optimum ? `${count}, all can be met` : count }];
  }
  const title = alone > 0 ? `${count}, ${alone} cannot be met` : `${count}, not all at once`;
  const canRaise = nearestLimits(model).size > 0;
  const raise: Lens = {
    offset: place.offset,
    title: "Set all to nearest feasible",
    command: { command: lensCommands.raiseBudgets, arguments: [{ uri }] },
  };
  return [{ offset: place.offset, title }, ...(canRaise ? [raise] : [])];
}
