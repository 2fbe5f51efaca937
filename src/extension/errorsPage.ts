import * as vscode from "vscode";

/** The page of error codes in the package, and the line of each code in it, from 1. Asked for once, with the first problem. */
export class ErrorsPage {
  private readonly page: vscode.Uri;
  private lines: Promise<ReadonlyMap<string, number>> | undefined;

  constructor(extension: vscode.Uri) {
    this.page = vscode.Uri.joinPath(extension, "docs", "errors.md");
  }

  /**
   * Problems whose codes lead to their line of the page, in the Problems view and in hovers. Results come in the order in which
   * they were asked for: the last problems of a text are the ones that stay.
   */
  async linked(diagnostics: readonly vscode.Diagnostic[]): Promise<vscode.Diagnostic[]> {
    this.lines ??= this.read();
    const lines = await this.lines;
    for (const diagnostic of diagnostics) {
      const { code } = diagnostic;
      const line = typeof code === "string" ? lines.get(code) : undefined;
      if (typeof code !== "string" || line === undefined) continue;
      diagnostic.code = { value: code, target: this.page.with({ fragment: `L${line}` }) };
    }
    return [...diagnostics];
  }

  /** Codes stay without links where the page can't be read: no problem is lost for that. */
  private async read(): Promise<ReadonlyMap<string, number>> {
    try {
      const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(this.page));
      const codes = text.split("\n").map((line) => /^\| <a id="[^"]*"><\/a>(SQ\d{4})\b/.exec(line)?.[1]);
      return new Map(codes.flatMap((code, index) => (code === undefined ? [] : [[code, index + 1] as const])));
    } catch {
      return new Map();
    }
  }
}
