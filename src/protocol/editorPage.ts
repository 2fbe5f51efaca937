/** What the shell of the page needs; all four come from the webview that shows it. */
export interface EditorPageParts {
  /** `webview.cspSource`: where the page's own files come from. */
  readonly cspSource: string;
  /** Random, new for every page: 128 bits or more as base64 or hex. */
  readonly nonce: string;
  readonly scriptUri: string;
  readonly styleUri: string;
}

/**
 * The policy of the page: its own style sheet, the one script with the nonce, nothing inline, nothing from outside, no request at all.
 */
export function editorPageCsp({ cspSource, nonce }: Pick<EditorPageParts, "cspSource" | "nonce">): string {
  return [
    "default-src 'none'",
    `style-src ${cspSource}`,
    `script-src 'nonce-${nonce}'`,
    `font-src ${cspSource}`,
    `img-src ${cspSource}`,
  ].join("; ");
}

/**
 * The shell of the custom editor's page: no content of its own (the script draws it), so that nothing of a file is ever put into HTML.
 * `data-vscode-context` keeps the workbench's Cut and Copy out of the page's own context menus.
 */
export function editorPageHtml(parts: EditorPageParts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${attribute(editorPageCsp(parts))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>SigmaQuant</title>
<link rel="stylesheet" href="${attribute(parts.styleUri)}">
</head>
<body data-vscode-context='{"preventDefaultContextMenuItems": true}'>
<script nonce="${attribute(parts.nonce)}" src="${attribute(parts.scriptUri)}"></script>
</body>
</html>
`;
}

function attribute(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
