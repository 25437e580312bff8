import { closeNames } from '../../selection/close-names.ts';
import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import { isDockerHub } from '../../oci/hosts/registry-address.ts';
import type { SyncContext } from '../sync/sync-context.ts';

const catalogMaxMs = 3_000;

/** Adds similar repository names to the error of a list of tags, when the upstream has no such repository. Docker Hub answers 401 then. */
export async function withCloseRepositories(
  sync: SyncContext,
  error: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  if (!isTidemarkError(error)) return error;
  const isAbsent = error.code === 'REPOSITORY_NOT_FOUND';
  if (!isAbsent && error.code !== 'UPSTREAM_UNAUTHORIZED') return error;
  const hint = isAbsent ? await repositoryHint(sync, signal) : libraryHint(sync);
  if (hint === '') return error;
  const status = error.status === undefined ? {} : { status: error.status };
  return new TidemarkError(error.code, `${error.message}${hint}`, { ...status, cause: error });
}

/** `" Close to it: …"` from the catalog's first page, or an empty string. The catalog has a short time limit. */
export async function repositoryHint(sync: SyncContext, signal: AbortSignal): Promise<string> {
  const library = libraryHint(sync);
  if (library !== '') return library;
  const soon = AbortSignal.any([signal, AbortSignal.timeout(catalogMaxMs)]);
  try {
    const names = await sync.registry.readCatalog({ signal: soon });
    return closeHint(closeNames(sync.selection.upstreamName, names));
  } catch (error) {
    signal.throwIfAborted();
    if (isTidemarkError(error) || soon.aborted) return '';
    throw error;
  }
}

function libraryHint({ selection }: SyncContext): string {
  const { url, upstreamName } = selection;
  if (upstreamName.includes('/') || !isDockerHub(new URL(url).hostname)) return '';
  return ` Docker Hub's own images are under library/: library/${upstreamName}.`;
}

/** `" Close to it: …"`, or an empty string. */
export function closeHint(names: readonly string[]): string {
  return names.length === 0 ? '' : ` Close to it: ${names.join(', ')}.`;
}
