import type { TextDocuments } from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { readText } from "../node/files.ts";
import { normalUri, pathOf } from "./uris.ts";

/** Texts of profiles and plans: what is typed in an open editor counts before what is saved. */
export class Texts {
  constructor(private readonly documents: TextDocuments<TextDocument>) {}

  /**
   * @returns undefined when the file does not exist
   * @throws SigmaQuantError when it is there but can't be read
   */
  async read(uri: string): Promise<string | undefined> {
    const open = this.open(uri);
    if (open) return open.getText();
    const path = pathOf(uri);
    if (path === undefined) return undefined;
    try {
      return await readText(path);
    } catch (error) {
      if ((error as { code?: string }).code === "SQ1001") return undefined;
      throw error;
    }
  }

  open(uri: string): TextDocument | undefined {
    const wanted = normalUri(uri);
    return this.documents.all().find((document) => normalUri(document.uri) === wanted);
  }
}
