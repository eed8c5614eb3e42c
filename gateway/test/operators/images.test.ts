import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readComposeFile } from './compose-file.ts'
import { filesIn, readImage } from './image.ts'
import { importsOf } from './imports.ts'
import { readText, root } from './repository.ts'

const { dependencies } = JSON.parse(readText('package.json'))

describe.each(['gateway/Dockerfile', 'backend/Dockerfile'])('the image of %s', (dockerfile) => {
  const image = readImage(dockerfile)
  const files = filesIn(image)
  const entry = image.command.find((word) => word.endsWith('.ts')) ?? ''
  const { files: imported, packages } = importsOf(entry)

  test('holds every source that its command loads', () => {
    expect([...imported].filter((path) => !files.includes(path))).toEqual([])
    expect(imported.size).toBeGreaterThan(3)
  })

  test('holds every package that its command loads', () => {
    expect([...packages].filter((name) => !(name in dependencies))).toEqual([])
  })

  test('holds every file that its command names', () => {
    const named = image.command.filter((word) => existsSync(join(root, word)))
    expect(named).toContain(entry)
    expect(named.filter((path) => !files.includes(path))).toEqual([])
  })

  test('holds no test', () => {
    expect(files.filter((path) => /\.(test|contract)\.ts$|\/test\//.test(path))).toEqual([])
  })

  test('is the one Compose builds, from the root of the repository', () => {
    const builds = Object.values(readComposeFile().services).map(({ build }) => build)
    expect(builds).toContainEqual({ context: '.', dockerfile })
  })
})
