/** Which files below `folder` hold each of the texts, whatever they are: a Map from the text to paths. */
export function findBytes(folder: string, texts: readonly string[]): Promise<Map<string, string[]>>;
