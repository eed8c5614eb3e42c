import { type BenchCase, policyNameOf } from './cases.ts'

export type DenialsByTier = Readonly<Record<string, number>>

/** Who has given the denials of a case so far, as the gateway's own metrics tell. */
export async function readDenials(benchCase: BenchCase, adminUrl: string): Promise<DenialsByTier> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  const policy = policyNameOf(benchCase, 0)
  const denials: Record<string, number> = {}
  for (const [, labels = '', count] of text.matchAll(/^guichet_decisions_total\{(.*)\} (\d+)$/gm)) {
    if (!labels.includes(`policy="${policy}"`) || !labels.includes('decision="denied"')) continue
    denials[/tier="(\w+)"/.exec(labels)?.[1] ?? ''] = Number(count)
  }
  return denials
}

/** A few are asked again even of a gateway that remembers, each time it has not heard from its store for a while. */
const leastShare = 0.8

/** @throws Error when the denials between the two readings came from elsewhere than the case says: no figure */
export function expectedTier(
  { name, deniedBy }: Pick<BenchCase, 'name' | 'deniedBy'>,
  before: DenialsByTier,
  after: DenialsByTier,
): void {
  if (deniedBy === undefined) return
  const given = Object.entries(after).map(([tier, count]) => [tier, count - (before[tier] ?? 0)] as const)
  const all = given.reduce((sum, [, count]) => sum + count, 0)
  const expected = given.find(([tier]) => tier === deniedBy)?.[1] ?? 0
  if (all > 0 && expected >= leastShare * all) return
  throw new Error(`${name}: denials came from ${JSON.stringify(Object.fromEntries(given))}`)
}
