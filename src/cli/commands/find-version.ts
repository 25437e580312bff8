import { findNamed, notFound } from '../api-calls.ts';
import type { Client } from '../command.ts';

/** The message for a version that does not exist. */
export function noVersion(name: string, number: string | number | undefined): string {
  return number === undefined
    ? `${name} has no version yet.`
    : `${name} has no version ${number}. "tidemark versions ${name}" lists them.`;
}

/** The id of a version by its number, or of the latest. */
export async function findVersion(client: Client, name: string, number: string | undefined): Promise<string> {
  const { id } = await findNamed(client.session, 'repository', name);
  if (number !== undefined && !/^[1-9][0-9]{0,8}$/.test(number))
    throw notFound(
      `${JSON.stringify(number)} is not a version number. "tidemark versions ${name}" lists them.`,
    );
  const which = number === undefined ? 'latestVersion' : `version(number: ${number})`;
  const { repository } = await client.session.request<{ repository: { at: { id: string } | null } }>(
    `query ($id: ID!) { repository(id: $id) { at: ${which} { id } } }`,
    { id },
  );
  if (repository.at === null) throw notFound(noVersion(name, number));
  return repository.at.id;
}
