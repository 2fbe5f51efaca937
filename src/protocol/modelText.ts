/**
 * Documents that show a model as text: `sigmaquant-text:/models/net.onnx (text)?file:///.../net.onnx`. The path is what people see, the
 * query is the model's own URI. Also an activation event of the manifest (`onFileSystem:sigmaquant-text`).
 */
export const modelTextScheme = "sigmaquant-text";

/** Ends the path of such a document, so that it is not taken for a model; `contributes.languages` of the manifest knows it. */
export const modelTextEnding = " (text)";
