import type { Credential } from '../../db/schema/credentials.ts';
import { readEcrPages } from './ecr-pages.ts';

/** A tag as ECR lists it, unverified. */
export interface EcrTag {
  readonly name: string;
  readonly digest: string | undefined;
  readonly mediaType: string | undefined;
}

/** ECR's DescribeImages, of the tagged images of one repository. */
export async function* listEcrTags(
  credential: Credential,
  { registry, repositoryName }: { readonly registry: URL; readonly repositoryName: string },
  signal: AbortSignal,
): AsyncGenerator<readonly EcrTag[]> {
  const { DescribeImagesCommand } = await import('@aws-sdk/client-ecr');
  const list = {
    credential,
    registry,
    what: `the images of ${repositoryName}`,
    right: 'ecr:DescribeImages',
    advice: 'The tags are requested one by one.',
  };
  const pages = readEcrPages(
    list,
    (client, page) =>
      client.send(new DescribeImagesCommand({ ...page, repositoryName, filter: { tagStatus: 'TAGGED' } }), {
        abortSignal: signal,
      }),
    signal,
  );
  for await (const { imageDetails = [] } of pages)
    yield imageDetails.flatMap(({ imageTags = [], imageDigest: digest, imageManifestMediaType: mediaType }) =>
      imageTags.map((name) => ({ name, digest, mediaType })),
    );
}
