import { existsSync } from "node:fs";
import type { TextDocuments } from "vscode-languageserver/node";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { readText } from "../node/files.ts";
import { normalUri, pathOf, uriOf } from "./uris.ts";

/**
 * Texts of profiles and plans: what is typed in an open editor counts before what is saved. Of a file that was deleted an editor may
 * still show the text: that counts no more, unless somebody types in it.
 */
export class Texts {
  /** URIs of open texts whose files were deleted. */
  private readonly deleted = new Set<string>();

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
    return this.isDeleted(uri) ? undefined : this.shown(uri);
  }

  isDeleted(uri: string): boolean {
    return this.deleted.has(normalUri(uri));
  }

  /** Paths of the open texts. */
  get files(): readonly string[] {
    return this.documents.all().flatMap(({ uri }) => pathOf(uri) ?? []);
  }

  /** A file came, changed or went. */
  fileChanged(path: string): void {
    const uri = normalUri(uriOf(path));
    if (existsSync(path) || !this.shown(uri)) this.deleted.delete(uri);
    else this.deleted.add(uri);
  }

  /** A text was opened, typed in, or closed. */
  textChanged(uri: string): void {
    this.deleted.delete(normalUri(uri));
  }

  private shown(uri: string): TextDocument | undefined {
    const wanted = normalUri(uri);
    return this.documents.all().find((document) => normalUri(document.uri) === wanted);
  }
}
