import type { AccessScene, Things } from '../support/scene.ts';

export const marker = 'marked-tenant';

export const text = (value: string): string => JSON.stringify(value);
export const mutation = (name: string, input: string): string =>
  `mutation { ${name}(input: { ${input} }) { userErrors { code field message } } }`;

/** What the other tenant has, and must keep. */
export function otherTenant(
  given: () => { readonly scene: AccessScene; readonly others: Things; readonly othersBlob: string },
) {
  /** Every row of the other tenant's, whatever table it is in. */
  async function othersState(): Promise<string> {
    const [row] = await given().scene.api.sql(
      `select md5(string_agg(line, ',' order by line)) as state from (
       select r::text as line from repository r where name ^@ $1
       union all select d::text from distribution d where base_path ^@ $1
       union all select x::text from remote x where name ^@ $1
       union all select c::text from credential c where name ^@ $1
       union all select p::text from signature_policy p where name ^@ $1
       union all select p::text from proxy p where name ^@ $1
       union all select t::text from task t join repository r on r.id = t.repository_id where r.name ^@ $1
       union all select s::text from schedule s join repository r on r.id = s.repository_id where r.name ^@ $1
       union all select m::text from membership m join repository r on r.id = m.repository_id where r.name ^@ $1
       union all select m::text from tag_membership m join repository r on r.id = m.repository_id where r.name ^@ $1
     ) as lines`,
      [marker],
    );
    return String(row?.['state']);
  }

  return { othersState };
}
