import { readText } from './repository.ts'

interface PromisedMetric {
  readonly name: string
  readonly type: string
  readonly labels: readonly string[]
}

/** What operators build on: the table in gateway/metrics/README.md, which a test there holds to the instruments. */
export const promisedMetrics: readonly PromisedMetric[] = [
  ...readText('gateway/metrics/README.md').matchAll(/^\| `(\w+)` *\| (\w+) *\|([^|]*)\|/gm),
].map(([, name = '', type = '', labels = '']) => ({ name, type, labels: labels.match(/\w+/g) ?? [] }))

/** Series that Prometheus itself makes. */
const ownSeries: PromisedMetric[] = [
  { name: 'up', type: 'gauge', labels: [] },
  { name: 'ALERTS', type: 'gauge', labels: ['alertname', 'alertstate'] },
]

const seriesOf = ({ name, type, labels }: PromisedMetric): [string, readonly string[]][] =>
  type === 'histogram'
    ? [
        [`${name}_bucket`, [...labels, 'le']],
        [`${name}_sum`, labels],
        [`${name}_count`, labels],
      ]
    : [[name, labels]]

/** The labels of every series that an expression may name. Prometheus adds `job` and `instance` to each. */
export const promisedSeries: ReadonlyMap<string, readonly string[]> = new Map(
  [...promisedMetrics, ...ownSeries]
    .flatMap(seriesOf)
    .map(([name, labels]) => [name, [...labels, 'job', 'instance']]),
)
