/** Opens a model's editor at a layer; the one command that hovers may name. (`lensCommands.showLayer` of the server) */
export const layerCommand = "sigmaquant.showLayer";
