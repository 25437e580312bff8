/** How a Tidemark announces its list of tags with digests, with `/v2/` and each list of tags (docs/serving.md, "Tags with digests"). */
export const tidemarkLists = { header: 'tidemark-lists', value: 'tags/digests' } as const;
