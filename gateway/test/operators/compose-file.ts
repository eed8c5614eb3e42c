import { parse } from 'yaml'
import { readText } from './repository.ts'

export interface Service {
  readonly image?: string
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly user?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly command?: readonly string[]
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly configs?: readonly { readonly source: string; readonly target: string }[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly read_only?: boolean
  readonly restart?: string
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly deploy?: { readonly replicas: number }
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>
  readonly configs: Readonly<Record<string, { readonly content: string }>>
  readonly volumes: Readonly<Record<string, unknown>>
}

/** docker-compose.yml as Compose reads it with an empty environment: `${NAME:-value}` is its value, `$$` a dollar. */
export const readComposeFile = (): ComposeFile =>
  parse(
    readText('docker-compose.yml').replace(/\$\$|\$\{\w+(?::-([^}]*))?\}/g, (whole, value?: string) =>
      whole === '$$' ? '$' : (value ?? ''),
    ),
    { merge: true },
  )
