import type { Assessment, ModelOnDevice } from "./onDevice.ts";
import type { ProfileText } from "./profileText.ts";

/** A model on the device of a profile, with the bits that are shown for it. */
export interface ShownModel {
  readonly model: ModelOnDevice;
  readonly shown: Assessment & { readonly fromPlan: boolean };
  /** The model's own device is this one. */
  readonly inForce: boolean;
}

/** All that the features look at for a profile's text. */
export interface ProfileContext {
  readonly uri: string;
  readonly profile: ProfileText;
  /** Models that use the profile, that which was last in use first; on the last text without errors while there are some. */
  readonly models: readonly ShownModel[];
}
