import { readdirSync, statSync } from 'node:fs'
import { join, matchesGlob } from 'node:path'
import { readText, root } from './repository.ts'

/** What the last stage of a Dockerfile says, as far as our tests ask. */
export interface Image {
  readonly user: string | undefined
  /** Folders and files of the repository that it copies. */
  readonly copied: readonly string[]
  readonly healthcheck: string
  readonly command: readonly string[]
}

export function readImage(dockerfile: string): Image {
  const lines = readText(dockerfile)
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
  const stage = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')))
  const said = (keyword: string) =>
    stage.filter((line) => line.startsWith(`${keyword} `)).map((line) => line.slice(keyword.length).trim())
  const sources = (copy: string) =>
    copy
      .split(/\s+/)
      .filter((word) => !word.startsWith('--'))
      .slice(0, -1)
  return {
    user: said('USER').at(-1),
    copied: said('COPY')
      .filter((copy) => !copy.includes('--from='))
      .flatMap(sources)
      .map((path) => path.replace(/^\.\/|\/$/g, '')),
    healthcheck: said('HEALTHCHECK').at(-1) ?? '',
    command: JSON.parse(said('CMD').at(-1) ?? '[]'),
  }
}

/** Whether .dockerignore lets a file into a build: its last matching line decides. */
export function reachesBuild(path: string): boolean {
  const patterns = readText('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  const last = patterns.findLast((line) => {
    const pattern = line.replace(/^!/, '')
    return matchesGlob(path, pattern) || matchesGlob(path, `${pattern}/**`)
  })
  return last === undefined || last.startsWith('!')
}

/** Every file of the repository that a build puts into the image. */
export const filesIn = (image: Image): string[] =>
  image.copied
    .flatMap((path) =>
      statSync(join(root, path)).isFile()
        ? [path]
        : readdirSync(join(root, path), { recursive: true, encoding: 'utf8' }).map((name) =>
            join(path, name),
          ),
    )
    .filter((path) => statSync(join(root, path)).isFile() && reachesBuild(path))
