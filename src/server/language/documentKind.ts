/** Which of our files a document is, by its name. */
export function documentKind(uri: string): "profile" | "plan" | undefined {
  if (/\.hwprofile\.json$/i.test(uri)) return "profile";
  return /\.sigmaquant\.json$/i.test(uri) ? "plan" : undefined;
}
