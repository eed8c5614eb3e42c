import { expect, it } from 'vitest'
import { ProbeHealth } from './probe-health.ts'

it('changes after so many probes in a row, and not before', () => {
  const health = new ProbeHealth({ healthyAfter: 2, unhealthyAfter: 3 })
  const changes = [...'++--+---+-++'].map((probe) => (health.heard(probe === '+') ? health.isHealthy : null))
  expect(changes).toEqual([...Array(7).fill(null), false, ...Array(3).fill(null), true])
})
