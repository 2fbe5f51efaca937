import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { dataError } from "../../core/data/errors.ts";
import { explainFileError } from "../errors.ts";

/** Images of one set; ImageNet has 50,000 to validate on. A list of more would fill memory before the first is decoded. */
const maxImages = 500_000;
const imageNames = /\.(jpe?g|png)$/i;
/** Images of other kinds: said, so that nobody wonders where they are. */
const otherImages = /\.(webp|bmp|gif|tiff?|heic|heif|avif|jfif|jxl|ppm|pgm|tga)$/i;
/** Folders that programs make beside images. */
const hidden = /^(\.|__MACOSX$)/;

/** A folder of images, or of folders of them. */
export interface ImageListing {
  /** The folder itself ("") or its subfolders, each with the names of its images, sorted. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  readonly notes: readonly string[];
}

/** Whether a file's name is that of an image which can be read. */
export function isImageName(name: string): boolean {
  return imageNames.test(name) && !name.startsWith(".");
}

/**
 * Finds the images in a folder, or in its subfolders where it has none itself; deeper folders are not looked at.
 * @throws SigmaQuantError SQ4060 (no images, images and folders of them, a folder without, too many), SQ4064 (a link that leads
 *   out of the folder, or nowhere), and errors of reading
 */
export async function listImages(folder: string, signal?: AbortSignal): Promise<ImageListing> {
  const root = await realpath(folder).catch((error) => {
    throw explainFileError(error, folder, "read");
  });
  const top = await list(folder, root);
  const others = [...top.others];
  const parts = new Map<string, Contents>();
  let images = top.images.length;
  for (const name of top.folders) {
    signal?.throwIfAborted();
    const part = await list(path.join(folder, name), root);
    parts.set(name, part);
    others.push(...part.others);
    images += part.images.length;
    if (images > maxImages) throw bad(folder, `The folder has more than ${maxImages} images`, "Give a part of them.");
  }
  const notes = others.length === 0 ? [] : [otherNote(others)];
  const filled = [...parts].filter(([, part]) => part.images.length > 0);
  if (top.images.length > 0) {
    if (filled.length === 0) return { groups: new Map([["", top.images]]), notes };
    const message = `The folder has images of its own (${top.images[0]}) and folders with images (${filled[0]?.[0]})`;
    throw bad(folder, message, "Put each image into the folder of its class, or all into one folder.");
  }
  if (filled.length === 0) throw noImages(folder, top, parts, others);
  for (const [name, part] of parts) if (part.images.length === 0) throw emptyClass(folder, name, part);
  return { groups: new Map(filled.map(([name, part]) => [name, part.images])), notes };
}

interface Contents {
  readonly images: readonly string[];
  readonly folders: readonly string[];
  readonly others: readonly string[];
}

async function list(folder: string, root: string): Promise<Contents> {
  let entries: readonly Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    throw explainFileError(error, folder, "read");
  }
  const images: string[] = [];
  const folders: string[] = [];
  const others: string[] = [];
  for (const entry of entries) {
    const { name } = entry;
    if (hidden.test(name)) continue;
    const isImage = isImageName(name);
    const target =
      entry.isSymbolicLink() && (isImage || path.extname(name) === "") ? await follow(folder, name, root) : entry;
    if (target.isDirectory()) folders.push(name);
    else if (isImage && target.isFile()) images.push(name);
    else if (otherImages.test(name)) others.push(name);
  }
  return { images: images.sort(), folders: folders.sort(), others };
}

/** What a link leads to. A set that is opened in an editor must not reach for files elsewhere on the machine. */
async function follow(
  folder: string,
  name: string,
  root: string,
): Promise<{ isFile(): boolean; isDirectory(): boolean }> {
  const link = path.join(folder, name);
  const target = await realpath(link).catch(() => undefined);
  const remedy = "Copy what it leads to into the folder, or take the link out.";
  if (target === undefined) throw dataError("image-link", "The link leads nowhere", remedy, { file: link });
  if (target !== root && !target.startsWith(`${root}${path.sep}`)) {
    throw dataError("image-link", "The link leads out of the folder of images", remedy, { file: link });
  }
  return stat(target);
}

function bad(folder: string, message: string, remedy: string) {
  return dataError("image-folder", message, remedy, { file: folder });
}

function noImages(
  folder: string,
  { folders }: Contents,
  parts: ReadonlyMap<string, Contents>,
  others: readonly string[],
) {
  if (others.length > 0) {
    return bad(folder, `The folder has no JPEG or PNG images, but ${others[0]}`, "Convert the images to JPEG or PNG.");
  }
  const deeper = folders.find((name) => (parts.get(name)?.folders.length ?? 0) > 0);
  if (deeper !== undefined) {
    const message = `Neither the folder nor its subfolders have images; ${deeper} has folders of its own`;
    return bad(folder, message, `Give the folder whose subfolders are the classes: ${path.join(folder, deeper)}, say.`);
  }
  return bad(
    folder,
    "The folder has neither images nor ONNX test data",
    "Give a folder of JPEG or PNG images (or of one subfolder for each class), one with input_0.pb or test_data_set_0, or a .npz file.",
  );
}

function emptyClass(folder: string, name: string, { folders, others }: Contents) {
  const place = path.join(folder, name);
  const deeper = folders.length > 0 ? "; those in its own folders are not looked at" : "";
  const kinds = others.length > 0 ? `, but ${others[0]}` : "";
  const message = `The folder ${name} has no JPEG or PNG images${kinds}${deeper}, and others beside it have`;
  return bad(place, message, "Put images of its class into it, or take it out.");
}

function otherNote(others: readonly string[]): string {
  const [first = ""] = others;
  const rest = others.length === 1 ? "" : ` and ${others.length - 1} more`;
  return `Images that are neither JPEG nor PNG are not used: ${first}${rest}.`;
}
