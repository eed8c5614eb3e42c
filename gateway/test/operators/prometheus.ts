import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { type PrivateServer, startPrivateServer } from '../servers/private-server.ts'
import { readText, root } from './repository.ts'

export interface Prometheus extends PrivateServer {
  /**
   * The samples that an instant query returns now.
   *
   * @throws Error with Prometheus's own words when it refuses the query.
   */
  query(expr: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]>
}

/**
 * A real Prometheus on our own config/prometheus.yml and alerts, except that it scrapes `targets` (`host:port`)
 * every second in place of those that the name service knows.
 *
 * @throws Error with the cure when it is not installed.
 */
export async function startPrometheus(targets: string[], adminToken: string): Promise<Prometheus> {
  const config = parse(readText('config/prometheus.yml'))
  config.global = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' }
  config.rule_files = [join(root, 'config/alerts.yml')]
  delete config.scrape_configs[0].dns_sd_configs
  config.scrape_configs[0].static_configs = [{ targets }]

  const server = await startPrivateServer({
    binary: 'prometheus',
    cure: 'apt-get install prometheus',
    prepare: async (folder) => {
      await writeFile(join(folder, 'admin-token'), adminToken)
      await writeFile(join(folder, 'prometheus.yml'), stringify(config))
    },
    args: ({ folder, port }) => [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    answers: async ({ port }) => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok,
  })
  const query: Prometheus['query'] = async (expr) => {
    const answer = await fetch(`http://127.0.0.1:${server.port}/api/v1/query`, {
      method: 'POST',
      body: new URLSearchParams({ query: expr }),
    })
    const { data, error } = (await answer.json()) as { data?: { result: [] }; error?: string }
    if (data === undefined) throw new Error(`${expr}\n${error}`)
    return data.result
  }
  return Object.defineProperties({ query }, Object.getOwnPropertyDescriptors(server)) as Prometheus
}
