/*
 * The rules of the house, read off the sources: who may import whom, that a policy, a format or a machine
 * is one file and one registry line, what the engine must not use, and how a file looks.
 */

import { describe, expect, it } from "vitest";
import { PRESETS } from "../src/machine/presets/index.ts";
import { FORMATS } from "../src/trace/formats/index.ts";
import { POLICIES } from "./support/builds.ts";
import { PATTERNS } from "./support/generated.ts";
import { importsOf, type Source, sourcesOf, textOf, withoutStrings } from "./support/sources.ts";

const COLUMNS_MAX = 110;

const SRC = sourcesOf("src");
const ASSEMBLY = sourcesOf("assembly");
const TEST = sourcesOf("test");

/** Top-level files that every folder of src may import. */
const SHARED = [
  "src/errors.ts",
  "src/types.ts",
  "src/machine_state.ts",
  "src/units.ts",
  "src/nearest.ts",
  "src/assignments.ts",
  "src/yaml_file.ts",
];

/** What the files of each folder of src may import besides their own folder and the shared files. */
const SRC_IMPORTS: Record<string, string[]> = {
  cli: ["src/run/", "src/report/", "src/machine/", "src/custom_policy/", "src/files/"],
  web: ["src/report/", "src/engine/", "src/trace/formats/", "src/machine/"],
  run: [
    "src/engine/",
    "src/trace/",
    "src/machine/",
    "src/custom_policy/",
    "src/files/",
    "src/host/",
    "src/scenario/",
  ],
  custom_policy: ["src/engine/", "src/trace/open.ts", "src/files/"],
  engine: [],
  trace: ["src/files/"],
  files: [],
  host: [],
  machine: [],
  scenario: ["src/machine/"],
  report: [],
};

/** The same for assembly: layers, each of which may import those below it. */
const ASSEMBLY_IMPORTS: Record<string, string[]> = {
  policies: ["assembly/core/", "assembly/lib/", "assembly/layout"],
  decode: ["assembly/core/", "assembly/lib/", "assembly/layout"],
  generate: ["assembly/core/", "assembly/lib/", "assembly/layout"],
  analysis: ["assembly/core/", "assembly/lib/", "assembly/layout"],
  mm: ["assembly/core/", "assembly/lib/", "assembly/layout"],
  core: ["assembly/lib/", "assembly/layout"],
  lib: ["assembly/layout"],
};

/** Files that re-export what others outside may use: the ABI, and what policies of users' own are given. */
const ASSEMBLY_SURFACES = ["assembly/index.ts", "assembly/policy_api.ts"];

/** Where Node's own modules and globals may be used; all the rest must run in a browser. */
const NODE_PATHS = [
  /^src\/(run|cli|custom_policy|files)\//,
  /^src\/host\/read\.ts/,
  /^src\/trace\/(damon|kmem|packed|compression)\//,
  /^src\/trace\/(open|folder|pieces)\.ts/,
];

describe("imports in src", () => {
  it.each(SRC.map((source) => [source.path, source] as const))(
    "go in the allowed directions: %s",
    (path, source) => {
      expect(forbiddenIn(source, SRC_IMPORTS[folderOf(path) ?? ""])).toEqual([]);
    },
  );

  it("are of a folder that has rules", () => {
    const folders = new Set(SRC.map(({ path }) => folderOf(path)).filter((folder) => folder !== undefined));
    expect(Object.keys(SRC_IMPORTS)).toEqual(expect.arrayContaining([...folders]));
  });

  it("name Node's modules only where there is a Node", () => {
    const files = SRC.filter((source) => importsOf(source).some((target) => target.startsWith("node:")));
    expect(files.length).toBeGreaterThan(3);
    expect(
      files.map(({ path }) => path).filter((path) => !NODE_PATHS.some((some) => some.test(path))),
    ).toEqual([]);
  });

  it("leave Node's globals to where there is a Node", () => {
    const users = SRC.filter(({ code }) =>
      /\b(Buffer|process|__dirname|require)\b\s*[.(]/.test(withoutStrings(code)),
    );
    expect(
      users.map(({ path }) => path).filter((path) => !NODE_PATHS.some((some) => some.test(path))),
    ).toEqual([]);
  });

  it("leave build/ to the engine's folder, but for the session, which reads the file", () => {
    const users = SRC.filter(({ code }) => /["'`/.]build\//.test(code)).map(({ path }) => path);
    expect(users).toContain("src/run/session.ts");
    const others = users.filter((path) => !path.startsWith("src/engine/") && path !== "src/run/session.ts");
    expect(others).toEqual([]);
  });

  it("make the library's index of nothing but re-exports", () => {
    const statements = textWithoutHeader("src/index.ts").replace(
      /export (type )?\{[^}]*\} from "[^"]+";/g,
      "",
    );
    expect(statements.trim()).toBe("");
  });
});

describe("imports in assembly", () => {
  it.each(ASSEMBLY.map((source) => [source.path, source] as const))(
    "go from the index down to the layout: %s",
    (path, source) => {
      const isSurface = ASSEMBLY_SURFACES.includes(path);
      const allowed = isSurface ? ["assembly/"] : ASSEMBLY_IMPORTS[folderOf(path) ?? ""];
      expect(forbiddenIn(source, allowed)).toEqual([]);
    },
  );

  it("are of a folder that has rules", () => {
    const folders = new Set(
      ASSEMBLY.map(({ path }) => folderOf(path)).filter((folder) => folder !== undefined),
    );
    expect(Object.keys(ASSEMBLY_IMPORTS)).toEqual(expect.arrayContaining([...folders]));
  });

  it("make what policies of users' own may use of nothing but re-exports", () => {
    const { code } = ASSEMBLY.find(({ path }) => path === "assembly/policy_api.ts")!;
    expect(code.replace(/export \{[^}]*\} from "[^"]+";/g, "").trim()).toBe("");
    expect(code).toContain("ReplacementPolicy");
  });

  it("let no policy know another", () => {
    const policies = ASSEMBLY.filter(({ path }) => /^assembly\/policies\/(?!index)/.test(path));
    expect(policies.length).toBe(POLICIES.length);
    for (const source of policies) {
      const others = importsOf(source).filter((target) => target.startsWith("assembly/policies/"));
      expect(others, source.path).toEqual([]);
    }
  });
});

describe("a pattern is one file and one line", () => {
  const machinery = ["pattern", "registry", "stream"];
  const files = entriesOf("assembly/generate", ASSEMBLY).filter((file) => !machinery.includes(file));
  const index = textOf("assembly/generate/index.ts");

  it.each(files)("in the registry, with the name that its file has: %s", (file) => {
    expect(index.split("\n").filter((line) => line === `import "./${file}";`)).toHaveLength(1);
    const { text, code } = ASSEMBLY.find(({ path }) => path === `assembly/generate/${file}.ts`)!;
    expect(/"name": "([^"]+)"/.exec(text)?.[1]).toBe(nameOf(file));
    expect(code.trimEnd()).toMatch(/\nregisterPattern<\w+>\(\);$/);
  });

  it("and then it is in the list", () => {
    expect(PATTERNS.map(({ name }) => name).sort()).toEqual(files.map(nameOf).sort());
  });
});

describe("a policy is one file and one line", () => {
  const files = entriesOf("assembly/policies", ASSEMBLY);
  const index = textOf("assembly/policies/index.ts");

  it.each(files)("in the registry: %s", (file) => {
    const lines = index.split("\n").filter((line) => line.includes(`"./${file}"`));
    expect(lines).toEqual([`import "./${file}";`]);
  });

  it.each(files)("with the name that its file has, and one registration at its end: %s", (file) => {
    const { text, code } = ASSEMBLY.find(({ path }) => path === `assembly/policies/${file}.ts`)!;
    expect(/"name": "([^"]+)"/.exec(text)?.[1]).toBe(nameOf(file));
    expect(code.match(/\bregister<\w+>\(\);/g)).toHaveLength(1);
    expect(code.trimEnd()).toMatch(/\nregister<\w+>\(\);$/);
  });

  it("and then it is in the list, in the registry's order", () => {
    const order = [...index.matchAll(/^import "\.\/(\w+)";$/gm)].map((match) => nameOf(match[1]!));
    expect(POLICIES.map(({ name }) => name)).toEqual(order);
    expect([...order].sort()).toEqual(files.map(nameOf).sort());
  });
});

describe.each([
  ["format", "src/trace/formats", FORMATS.map(({ name }) => name)],
  ["machine", "src/machine/presets", PRESETS.map(({ name }) => name)],
] as const)("a %s is one file and one line", (_what, folder, names) => {
  const files = entriesOf(folder, SRC);

  it.each(files)("in the registry: %s", (file) => {
    const lines = textOf(`${folder}/index.ts`)
      .split("\n")
      .filter((line) => line.includes(`"./${file}.ts"`));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^import \{ \w+ \} from /);
  });

  it("and then it is in the list, with the name that its file has", () => {
    expect(files.length).toBeGreaterThan(0);
    expect([...names].sort()).toEqual(files.map(nameOf).sort());
  });
});

describe("the engine", () => {
  it.each(ASSEMBLY.map((source) => [source.path, source] as const))(
    "allocates nothing and needs no runtime: %s",
    (_path, { code }) => {
      const plain = withoutStrings(code);
      expect(plain.match(/\bnew\b|\b(Array|Map|Set|StaticArray|Uint8Array)\s*</g)).toBeNull();
    },
  );

  it.each(ASSEMBLY.map((source) => [source.path, source] as const))(
    "has decorators on classes and their members alone, which every TypeScript tool reads: %s",
    (_path, { code }) => {
      const decorated = /^@\w+(?:\([^)]*\))?\s*(?:@\w+(?:\([^)]*\))?\s*)*(.*)$/gm;
      const targets = [...code.matchAll(decorated)].map((match) => match[1]);
      for (const target of targets) expect(target).toMatch(/^(export )?(abstract )?class /);
    },
  );

  it("calls no allocator when it is compiled", () => {
    const wat = textOf("build/core.wat");
    expect(wat).toContain("$assembly/core/replay/");
    expect(wat.match(/\$~lib\/rt\S*|\$\S*__(new|alloc|renew|collect|pin)\b/g)).toBeNull();
  });
});

describe.each([
  ["src", SRC],
  ["assembly", ASSEMBLY],
  ["test", TEST],
] as const)("every file of %s", (_folder, sources) => {
  it("starts with a comment that says what it is", () => {
    expect(sources.length).toBeGreaterThan(10);
    const headless = sources.filter(({ text }) => !/^(#!.*\n)?\/\*[*\s]/.test(text)).map(({ path }) => path);
    expect(headless).toEqual([]);
  });

  it(`has lines of at most ${COLUMNS_MAX} columns, but for strings that cannot be broken`, () => {
    const long = sources.flatMap(({ path, text }) =>
      withoutStrings(text)
        .split("\n")
        .map((line, index) => ({ line, place: `${path}:${index + 1}` }))
        .filter(({ line }) => [...line].length > COLUMNS_MAX)
        .map(({ place }) => place),
    );
    expect(long).toEqual([]);
  });
});

/** What a file imports from the project that it may not: `allowed` says which paths it may. */
function forbiddenIn(source: Source, allowed: string[] | undefined): string[] {
  const { path } = source;
  const root = path.split("/")[0]!;
  const folder = folderOf(path);
  const own = folder === undefined ? undefined : `${root}/${folder}/`;
  return importsOf(source).filter((target) => {
    if (/^(\.\.|src\/|assembly\/|test\/|bench\/|traces\/|build\/|dist\/)/.test(target) === false) {
      return root === "assembly";
    }
    if (target.startsWith("build/")) return false;
    if (root === "src" && SHARED.includes(target)) return false;
    if (path === "src/index.ts") return !/^src\/(run|machine)\//.test(target);
    if (own !== undefined && target.startsWith(own)) return false;
    return !(allowed ?? []).some((prefix) => target.startsWith(prefix));
  });
}

/** `cli` of `src/cli/main.ts`; undefined for a file that is in no folder. */
function folderOf(path: string): string | undefined {
  const [, folder, rest] = path.split("/");
  return rest === undefined ? undefined : folder;
}

/** The files of a registry's folder, without the registry. */
function entriesOf(folder: string, sources: Source[]): string[] {
  return sources
    .filter(({ path }) => path.startsWith(`${folder}/`) && path !== `${folder}/index.ts`)
    .map(({ path }) => path.slice(folder.length + 1, -".ts".length));
}

function nameOf(file: string): string {
  return file.replaceAll("_", "-");
}

function textWithoutHeader(path: string): string {
  return SRC.find((source) => source.path === path)!.code;
}
