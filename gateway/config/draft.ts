import type { ConfigFile } from './schema.ts'

/** Whatever of `Whole` could be read: a part that had a problem of its own is undefined. */
export type Draft<Whole> = Whole extends readonly (infer Item)[]
  ? readonly (Draft<Item> | undefined)[]
  : Whole extends object
    ? { readonly [Key in keyof Whole]?: Draft<Whole[Key]> | undefined }
    : Whole

export type ConfigDraft = Draft<ConfigFile>
