import { describe, expect, it } from "vitest";
import { editorPageCsp, editorPageHtml } from "../../../src/protocol/editorPage.ts";

const parts = {
  cspSource: "https://*.vscode-cdn.net",
  nonce: "r4nd0m",
  scriptUri: "https://file.vscode-cdn.net/dist/webview/main.js",
  styleUri: "https://file.vscode-cdn.net/dist/webview/main.css?a=1&b=2",
};

describe("shell of the editor's page", () => {
  it("allows its own files and the one script, and nothing inline or from elsewhere", () => {
    const policy = editorPageCsp(parts);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'nonce-r4nd0m'");
    expect(policy).not.toMatch(/unsafe|connect-src|\*(?!\.vscode-cdn)/);
  });

  it("holds no inline style or script", () => {
    const html = editorPageHtml(parts);
    expect(html).not.toMatch(/<style|style=|<script(?![^>]*src=)|\son\w+=/);
    expect(html.match(/<script/g)).toHaveLength(1);
  });

  it("keeps what it is given inside its attributes", () => {
    const html = editorPageHtml({ ...parts, scriptUri: '"><script>alert(1)</script>' });
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).toContain("&amp;b=2");
  });
});
