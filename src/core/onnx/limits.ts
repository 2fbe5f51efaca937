/**
 * Bounds on what a model file may ask of us. Each is far above any real model and low enough that a file made to hurt
 * ends in an error instead of exhausting memory or time. All values are our choice; the argument is beside each.
 */

/** Payloads up to this size stay in the messages (shapes, scales, biases); larger ones stay in the file until read. */
export const maxInlinePayload = 1024;

/** Largest read while scanning; enough to make the cost of a system call vanish, small beside any model. */
export const maxWindowBytes = 256 * 1024;

/** First read after a jump over a payload: what follows is usually one short tensor header. Doubles while reading on. */
export const minWindowBytes = 4 * 1024;

/**
 * Jumps up to this do not shrink the window: reading a small payload that is never asked for costs less than another call
 * to the system for every small tensor.
 */
export const maxShortJumpBytes = 64 * 1024;

/** Piece in which payloads are copied and converted. */
export const pieceBytes = 4 * 1024 * 1024;

/**
 * Bytes of a file that are kept in memory besides tensor payloads. Graphs of 10,000 nodes take 1-5 MB, large tree
 * ensembles (all in attributes) up to about 100 MB.
 */
export const maxSkeletonBytes = 256 * 1024 * 1024;

/** Unrolled language models reach some 100,000 nodes. */
export const maxNodes = 500_000;

/** Tensors at any depth; at most a few for each node in real models. */
export const maxTensors = 1_000_000;

/** Protobuf messages of all kinds: about five for each node in real models. 100-300 bytes of memory each. */
export const maxMessages = 4_000_000;

/**
 * Fields outside tensor data: numbers and texts, alone or in lists. Tree ensembles keep ten lists of one entry for each
 * tree node in attributes; 20 million cover two million tree nodes. Up to 32 bytes of memory each.
 */
export const maxFields = 20_000_000;

/** Fields that onnx.proto does not have, of a newer version or somebody's own; 200 bytes of memory each. */
export const maxUnknownFields = 500_000;

/** Attributes of one node; the operator with the most (TreeEnsembleRegressor) has 23. */
export const maxAttributes = 1024;

/** A text or an attribute's bytes: embedded tokenizers and metadata reach tens of megabytes. */
export const maxStringBytes = 64 * 1024 * 1024;

/** A name of a value, node, tensor, operator; exporters build names from module paths, some hundred characters. */
export const maxNameBytes = 64 * 1024;

/** Messages in messages. Three for each graph in a graph; protobuf's own implementations stop at 100. */
export const maxMessageDepth = 100;

/** Graphs in graphs (If in Loop in Scan ...); real models have up to 4. */
export const maxGraphDepth = 24;

/** Conv weights are rank 3-5; 32 is NumPy's historical maximum, so that no exporter makes more. */
export const maxRank = 32;

/** Elements of one tensor: 2^40 is a thousand times the largest tensor of any published model and still exact. */
export const maxElements = 2 ** 40;

/** Pieces that one tensor's typed data may be scattered over in the file; writers make one. */
export const maxRuns = 4096;

/** Bytes of one tensor that are held in memory at once. A typed array of this size exists on every platform we run on. */
export const maxReadBytes = 2 ** 31 - 1;

/** Protobuf's limit for one message, and with it for a model in one file. */
export const maxModelBytes = 2 ** 31 - 1;

/** Location of external data: PATH_MAX on Linux. */
export const maxLocationBytes = 4096;

/** Different external-data files of one model; exporters that write one file a tensor reach some thousands. */
export const maxExternalFiles = 100_000;
