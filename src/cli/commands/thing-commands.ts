import type { Command } from 'commander';
import { findNamed, given, mutate } from '../api-calls.ts';
import { nouns } from '../nouns.ts';
import type { NounName } from '../nouns.ts';
import { addClientCommand } from '../command.ts';
import type { Choose, Client } from '../command.ts';
import { printDone, printThing } from './print.ts';

/** What people name, and may show, create, change and delete. */
export interface Thing<Options extends object> {
  readonly noun: NounName;
  /** Its name in the usage of a command: `<remote>`. */
  readonly argument: string;
  /** What is read of it. */
  readonly fields: string;
  /** Adds the options that creating and changing share. */
  readonly setUp: (command: Command) => unknown;
  /** The fields of the input for those options; undefined keeps a field. */
  readonly read: (client: Client, options: Options) => Promise<Readonly<Record<string, unknown>>>;
}

type Fields = Readonly<Record<string, unknown>>;
type Lines = readonly (readonly [string, string | number | null])[];

interface Show<Node> {
  readonly text: string;
  readonly lines: (node: Node) => Lines;
}

export function addShow<Node extends { readonly id: string }>(
  parent: Command,
  choose: Choose,
  { noun, argument, fields }: Omit<Thing<object>, 'setUp' | 'read'>,
  { text, lines }: Show<Node>,
): void {
  addClientCommand(parent, choose, {
    usage: `show ${argument}`,
    text,
    reads: true,
    run: async (client, [name = '']) => {
      const node = await findNamed<Node>(client.session, noun, name, fields);
      return printThing(client, nouns[noun].query, node, lines(node));
    },
  });
}

interface Create<Options> {
  readonly mutation: string;
  /** The arguments after its name. */
  readonly usage?: string;
  readonly text: string;
  readonly setUp?: (command: Command) => unknown;
  /** The fields of the input for the arguments. */
  readonly input?: (client: Client, args: readonly string[], options: Options) => Fields | Promise<Fields>;
  readonly said?: (args: readonly string[]) => string;
}

export function addCreate<Options extends object>(
  parent: Command,
  choose: Choose,
  { noun, argument, fields, setUp, read }: Thing<Options>,
  create: Create<Options>,
): void {
  const { query, key, words } = nouns[noun];
  addClientCommand<Options>(parent, choose, {
    usage: ['create', argument, create.usage ?? ''].join(' ').trim(),
    text: create.text,
    setUp(command) {
      setUp(command);
      create.setUp?.(command);
    },
    run: async (client, args, options) => {
      const [name = ''] = args;
      const input = {
        [key]: name,
        ...(await create.input?.(client, args, options)),
        ...given(await read(client, options)),
      };
      const thing = await mutate<object>(client.session, create.mutation, { field: query, fields, input });
      return printDone(client, { [query]: thing }, create.said?.(args) ?? `Created the ${words} ${name}.`);
    },
  });
}

interface Update {
  readonly mutation: string;
  readonly text: string;
  readonly setUp?: (command: Command) => unknown;
}

/** Changes fields, the name among them: `--name`, or `--base-path`. */
export function addUpdate<Options extends object>(
  parent: Command,
  choose: Choose,
  { noun, argument, fields, setUp, read }: Thing<Options>,
  update: Update,
): void {
  const { query, key, words } = nouns[noun];
  addClientCommand<Options & { readonly [key in 'name' | 'basePath']?: string }>(parent, choose, {
    usage: `update ${argument}`,
    text: update.text,
    setUp(command) {
      command.option(
        key === 'name' ? '--name <name>' : '--base-path <path>',
        `a new ${key === 'name' ? 'name' : 'base path'}`,
      );
      update.setUp?.(command);
      setUp(command);
    },
    run: async (client, [name = ''], options) => {
      const { id } = await findNamed(client.session, noun, name);
      const input = { id, ...given({ [key]: options[key] }), ...given(await read(client, options)) };
      const thing = await mutate<Readonly<Record<string, string>>>(client.session, update.mutation, {
        field: query,
        fields,
        input,
      });
      return printDone(client, { [query]: thing }, `Changed the ${words} ${thing[key]}.`);
    },
  });
}

interface Delete<Options> {
  readonly mutation: string;
  readonly text: string;
  readonly setUp?: (command: Command) => unknown;
  readonly input?: (options: Options) => Fields;
  readonly said?: (name: string, options: Options) => string;
}

export function addDelete<Options extends object>(
  parent: Command,
  choose: Choose,
  { noun, argument }: Pick<Thing<object>, 'noun' | 'argument'>,
  { mutation, text, setUp = () => undefined, input, said }: Delete<Options>,
): void {
  addClientCommand<Options>(parent, choose, {
    usage: `delete ${argument}`,
    text,
    setUp,
    run: async (client, [name = ''], options) => {
      const { id } = await findNamed(client.session, noun, name);
      const line = said?.(name, options) ?? `Deleted the ${nouns[noun].words} ${name}.`;
      return deleteThing(client, mutation, { id, ...input?.(options) }, line);
    },
  });
}

/** Deletes one thing by its id. @returns the exit code. */
export async function deleteThing(
  client: Client,
  mutation: string,
  input: Fields & { readonly id: string },
  said: string,
): Promise<number> {
  const deletedId = await mutate<string>(client.session, mutation, { field: 'deletedId', input });
  return printDone(client, { deletedId }, said);
}

/** The id of what an option names; null where it is empty, which clears it, and undefined where it is not given. */
export async function idOf(
  { session }: Client,
  noun: NounName,
  name: string | undefined,
): Promise<string | null | undefined> {
  if (name === undefined || name === '') return name === '' ? null : undefined;
  return (await findNamed(session, noun, name)).id;
}

/** An empty text clears a field. */
export function orNull(text: string | undefined): string | null | undefined {
  return text === '' ? null : text;
}

/** The parts between commas; undefined where nothing was given. */
export function splitList(text: string | undefined): string[] | undefined {
  return text
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Of a repeatable option; an empty value clears the list. */
export function listOrNull(list: readonly string[] | undefined): readonly string[] | null | undefined {
  return list?.every((entry) => entry === '') === true ? null : list;
}
