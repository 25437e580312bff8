import { mutate } from '../api-calls.ts';
import type { Client } from '../client-command.ts';
import { printDone } from './print.ts';

/** Deletes one thing by its id. @returns the exit code. */
export async function deleteThing(
  client: Client,
  mutation: string,
  input: { readonly id: string; readonly deleteRemote?: boolean },
  said: string,
): Promise<number> {
  const deletedId = await mutate<string>(client.session, mutation, { field: 'deletedId', input });
  return printDone(client, { deletedId }, said);
}
