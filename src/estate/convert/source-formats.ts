/* What every start of the command line needs to know of the converters. They are loaded when a file is converted. */

export const sourceFormats = ['regsync', 'skopeo', 'imageset', 'hauler'] as const;
export type SourceFormat = (typeof sourceFormats)[number];

/** The largest file that is converted. */
export const sourceBytesAtMost = 10 * 1024 * 1024;
