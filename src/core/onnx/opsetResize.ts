import { attribute, stringAttribute } from "./build.ts";
import { inlineFloats } from "./inlineData.ts";
import type { RewriteSite } from "./rewriteSite.ts";

const coordinates = "coordinate_transformation_mode";

/** Upsample of opsets 7 (scales are an attribute) to 9 (an input) is Resize, which replaced it in opset 10. */
export function upsampleToResize(site: RewriteSite): boolean {
  const scales = site.attribute("scales")?.floats;
  if (scales) site.setInput(1, site.floats(scales));
  site.removeAttribute("scales");
  site.draft.opType = "Resize";
  // Upsample only enlarges, and takes the nearest sample below.
  return site.target < explicitCoordinates || asymmetric(site, "floor");
}

const explicitCoordinates = 11;

/**
 * Resize of opset 10 did not say how it maps coordinates; ONNX Runtime scales them from the first sample on, and takes the
 * nearest sample below when enlarging, above when shrinking.
 */
export function resizeCoordinates(site: RewriteSite): boolean {
  // Was an Upsample a moment ago.
  if (site.attribute(coordinates)) return true;
  if (stringAttribute(site.draft, "mode", "nearest") !== "nearest") return asymmetric(site, undefined);
  const constant = site.scope.constant(site.input(1));
  const scales = constant && inlineFloats(constant);
  if (scales === undefined) return false;
  if (scales.every((scale) => scale >= 1)) return asymmetric(site, "floor");
  return scales.every((scale) => scale <= 1) && asymmetric(site, "ceil");
}

function asymmetric(site: RewriteSite, nearestMode: string | undefined): boolean {
  const { draft } = site;
  const nearest = stringAttribute(draft, "mode", "nearest") === "nearest";
  site.setAttribute(attribute.string(coordinates, "asymmetric"));
  if (nearest && nearestMode !== undefined) site.setAttribute(attribute.string("nearest_mode", nearestMode));
  // The region of interest may be left out from opset 13 on; before, an empty one is none.
  draft.input = [site.input(0), site.target >= optionalRoi ? "" : site.floats([]), site.input(1)];
  return true;
}

const optionalRoi = 13;
