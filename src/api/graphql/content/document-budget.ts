import { TidemarkError } from '../../../oci/error.ts';
import { documentBytesMax } from '../context.ts';
import type { RequestContext } from '../context.ts';

/** @throws TidemarkError `QUERY_TOO_COMPLEX` if the answer exceeds its limit */
export function takeDocumentBytes(context: RequestContext, bytes: number): void {
  context.documentBytesLeft -= bytes;
  if (context.documentBytesLeft < 0)
    throw new TidemarkError(
      'QUERY_TOO_COMPLEX',
      `The documents asked for in raw and text have more than ${documentBytesMax} bytes together. Ask for a smaller page.`,
      { origin: 'caller' },
    );
}
