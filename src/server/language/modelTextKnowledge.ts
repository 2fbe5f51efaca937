import { SigmaQuantError } from "../../core/errors.ts";
import { normalUri, pathOf } from "../uris.ts";
import { modelOfText } from "./documentKind.ts";
import type { LanguageHost } from "./host.ts";
import { Memo } from "./memo.ts";
import { figuresOf, type ModelTextContext, summaryOf } from "./modelTextContext.ts";
import { ModelTexts, type ReadModelText } from "./modelTexts.ts";
import { Recent } from "./recent.ts";

/** Finds out what is known for a model's text: where its nodes are, and what the model's session says of its layers. */
export class ModelTextKnowledge {
  private readonly texts = new ModelTexts();
  private readonly recent = new Recent<ReadModelText | undefined>();
  private readonly contexts = new Memo<ModelTextContext>();

  constructor(private readonly host: LanguageHost) {}

  /** The text of a model's file as it is now. @throws SigmaQuantError where there is none */
  async textOf(modelUri: string): Promise<string> {
    const path = pathOf(modelUri);
    if (path === undefined) {
      throw new SigmaQuantError("SQ1101", "virtual-file", "The model is not a file on this machine", {
        remedy: "Copy it to a folder on disk",
        place: { file: modelUri },
      });
    }
    return this.texts.text(path);
  }

  /** The same object while nothing in it that is shown has changed. */
  async context(uri: string, text: string): Promise<ModelTextContext> {
    const modelUri = modelOfText(uri);
    const path = pathOf(modelUri);
    // A file that can't be read any more: its editor says so.
    const read = () => (path === undefined ? Promise.resolve(undefined) : this.texts.read(path).catch(() => undefined));
    const found = await this.recent.get(modelUri, this.host.files(), read);
    const made = found?.text === text ? found : undefined;
    const session = this.host.sessions().find((each) => normalUri(each.uri) === normalUri(modelUri));
    const figures = session ? figuresOf(session) : new Map();
    const summary = session && summaryOf(session);
    const key = [text, made, session, summary, JSON.stringify([...figures])];
    return this.contexts.get(uri, key, () => ({
      uri,
      modelUri,
      text,
      ...(made && { made }),
      ...(session && { session }),
      figures,
      ...(summary !== undefined && { summary }),
    }));
  }

  forget(uri: string): void {
    this.contexts.forget(uri);
  }
}
