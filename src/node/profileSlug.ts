import path from "node:path";

/** Part of file names for a profile: `board` of `board.hwprofile.json`, `max78000` of `preset:max78000`. */
export function profileSlug(profile: string): string {
  const name = profile.startsWith("preset:")
    ? profile.slice("preset:".length)
    : path.basename(profile).replace(/(\.hwprofile)?\.json$/i, "");
  return name.replace(/[^A-Za-z0-9._-]+/g, "-");
}
