import { Field, Int, ObjectType } from 'type-graphql';
import type { ClassType } from 'type-graphql';
import type { Page } from '../../db/reads/read-page.ts';
import { badUserInput } from './errors.ts';

@ObjectType('PageInfo', { description: 'The position of a page in its list.', simpleResolvers: true })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether the list continues after this page.' })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: 'Whether `after` was given.' })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: 'Cursor of the first edge; null on an empty page.' })
  startCursor!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Cursor of the last edge, for the next `after`; null on an empty page.',
  })
  endCursor!: string | null;
}

export interface Edge<Node> {
  readonly cursor: string;
  readonly node: Node;
}

/** A Relay connection with its nodes also as a plain list. `totalCount` is counted only if the query selects it. */
export interface Connection<Node> {
  readonly edges: readonly Edge<Node>[];
  readonly nodes: readonly Node[];
  readonly pageInfo: PageInfo;
  readonly countTotal: () => Promise<number>;
}

/** The connection type of a noun: `<Noun>Connection` and `<Noun>Edge`. */
export function connectionType<Node extends object>(
  nodeType: ClassType<Node>,
  noun: string,
): ClassType<Connection<Node>> {
  @ObjectType(`${noun}Edge`, { description: `An element of a ${noun} list.`, simpleResolvers: true })
  class EdgeType {
    @Field(() => String, { description: 'Opaque cursor of the element, for `after`.' })
    cursor!: string;

    @Field(() => nodeType, { description: 'The element.' })
    node!: Node;
  }

  @ObjectType(`${noun}Connection`, { description: `A page of a ${noun} list.` })
  class ConnectionType {
    @Field(() => [EdgeType], { simple: true, description: 'The elements of the page with their cursors.' })
    edges!: EdgeType[];

    @Field(() => [nodeType], { simple: true, description: 'The elements of the page without cursors.' })
    nodes!: Node[];

    @Field(() => PageInfo, { simple: true, description: 'The position of the page in the list.' })
    pageInfo!: PageInfo;

    countTotal!: () => Promise<number>;

    @Field(() => Int, { description: 'Number of elements in the whole list.' })
    async totalCount(): Promise<number> {
      return this.countTotal();
    }
  }
  return ConnectionType;
}

/** Maps the rows of a page to edges: the key after which the next page starts, and the node. */
export interface PageShape<Row, Node> {
  /** Identifies the list, so that the cursor of another list is refused. */
  readonly list: string;
  readonly after: string | null | undefined;
  readonly keyOf: (row: Row) => string | number;
  readonly nodeOf: (row: Row) => Node;
  readonly countTotal: () => Promise<number>;
}

export function toConnection<Row, Node>(page: Page<Row>, shape: PageShape<Row, Node>): Connection<Node> {
  const edges = page.rows.map((row) => ({
    cursor: toCursor(shape.list, shape.keyOf(row)),
    node: shape.nodeOf(row),
  }));
  return {
    edges,
    nodes: edges.map((edge) => edge.node),
    pageInfo: Object.assign(new PageInfo(), {
      hasNextPage: page.hasNext,
      hasPreviousPage: typeof shape.after === 'string',
      startCursor: edges.at(0)?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    }),
    countTotal: shape.countTotal,
  };
}

export function toCursor(list: string, key: string | number): string {
  return Buffer.from(`${list}:${key}`).toString('base64url');
}

/** @throws GraphQLError `BAD_USER_INPUT` if the text is not a cursor of this list. */
export function readTextCursor(list: string, after: string | null | undefined): string | undefined {
  if (after === null || after === undefined) return undefined;
  const text = after.length > 2_048 ? '' : Buffer.from(after, 'base64url').toString();
  const key = text.slice(list.length + 1);
  if (text.startsWith(`${list}:`) && !key.includes('\0') && toCursor(list, key) === after) return key;
  throw badUserInput(
    'after is not a cursor of this list; expected an endCursor or cursor that it has answered.',
  );
}

/** The same for numeric keys. */
export function readNumberCursor(list: string, after: string | null | undefined): number | undefined {
  const key = readTextCursor(list, after);
  if (key === undefined) return undefined;
  if (/^[0-9]{1,15}$/.test(key)) return Number(key);
  throw badUserInput(
    'after is not a cursor of this list; expected an endCursor or cursor that it has answered.',
  );
}
