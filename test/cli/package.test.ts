/** The package as npm would publish it: packed, installed into an empty project, and used there. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import {
  comparable,
  MIXED,
  parseReport,
  ROOT,
  replayJson,
  start,
  temporaryFolder,
  write,
} from "./support.ts";

const folder = temporaryFolder();
const project = temporaryFolder();
let packed: string[] = [];

async function run(program: string, args: string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await start(program, args, { cwd, env: { NO_COLOR: "1" } }).outcome;
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

beforeAll(async () => {
  const output = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], ROOT);
  const [{ filename, files }] = JSON.parse(output) as [{ filename: string; files: { path: string }[] }];
  packed = files.map(({ path }) => path);
  write(
    project,
    '{ "name": "empty", "version": "1.0.0", "private": true, "type": "module" }',
    "package.json",
  );
  const install = [
    "install",
    join(folder, filename),
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--prefer-offline",
  ];
  await run("npm", install, project);
});

describe("the packed files", () => {
  test("are the built ones and what every package has", () => {
    expect(packed).toEqual(expect.arrayContaining(["package.json", "dist/cli/main.js", "dist/index.js"]));
    expect(packed).toEqual(expect.arrayContaining(["dist/index.d.ts", "build/core.wasm"]));
    // The sources and options are what policies of users' own are compiled with.
    expect(packed).toEqual(expect.arrayContaining(["assembly/policy_api.ts", "asconfig.json"]));
    const built = String.raw`dist/.*\.(js|d\.ts)|build/core\.(wasm|d\.ts)|assembly/.*\.ts`;
    const allowed = new RegExp(`^(${built}|[a-z]+\\.json|(README|CHANGELOG)\\.md|LICENSE)$`);
    expect(packed.filter((path) => !allowed.test(path))).toEqual([]);
  });

  test("have a licence and a README", () => {
    expect(packed).toEqual(expect.arrayContaining(["LICENSE", "README.md"]));
  });

  test("have every dependency that the built files import", () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const imported = packed
      .filter((path) => path.endsWith(".js"))
      .flatMap((path) => {
        const text = readFileSync(join(ROOT, path), "utf8");
        const statements = /^(?:import|export) .*from "([^".$][^"]*)"|\bimport\(\s*"([^".][^"]*)"/gm;
        return [...text.matchAll(statements)].map((match) => match[1] ?? match[2] ?? "");
      })
      .filter((name) => !name.startsWith("node:"))
      .map((name) =>
        name
          .split("/")
          .slice(0, name.startsWith("@") ? 2 : 1)
          .join("/"),
      );
    expect(imported).toEqual(expect.arrayContaining(["commander", "assemblyscript"]));
    const missing = imported.filter((name) => !(name in manifest.dependencies));
    expect([...new Set(missing)]).toEqual([]);
  });
});

describe.concurrent("installed elsewhere", () => {
  test("npx clockhand replay prints what the built command line prints", async () => {
    const args = ["--policy", "lru", "--frames", "30"];
    const npx = ["--no", "clockhand", "replay", MIXED, "--json", ...args];
    const outcome = await start("npx", npx, { cwd: project }).outcome;
    const report = parseReport({
      ...outcome,
      stderr: outcome.stderr.replace(/^npm (warn|notice) .*\n/gm, ""),
    });
    expect(comparable(report)).toEqual(comparable(await replayJson(MIXED, args)));
  });

  test("the command reads zstd and xz there, whose decoders are dependencies", async () => {
    for (const name of ["really-zstd.lackey.xz", "really-xz.lackey.gz"]) {
      const trace = join(MIXED, "..", name);
      const outcome = await start(join(project, "node_modules/.bin/clockhand"), ["replay", trace, "--json"])
        .outcome;
      expect(comparable(parseReport(outcome))).toEqual(comparable(await replayJson(MIXED)));
    }
  });

  test("a policy of one's own is compiled there", async () => {
    const command = join(project, "node_modules/.bin/clockhand");
    const env = { XDG_CACHE_HOME: join(project, "cache") };
    await run(command, ["new-policy", "mine"], project);
    const options = { cwd: project, env };
    const replay = (policy: string) => ["replay", MIXED, "--frames", "30", "--json", "--policy", policy];
    const mine = parseReport(await start(command, replay("./mine.ts"), options).outcome);
    const clock = parseReport(await start(command, replay("clock"), options).outcome);
    expect(mine.policy.file).toBe("./mine.ts");
    expect(mine.result).toEqual(clock.result);
  });

  test("the command is executable and says its version", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(await run(join(project, "node_modules/.bin/clockhand"), ["--version"], project)).toBe(
      `${version}\n`,
    );
  });

  test('import { replay } from "clockhand" works from a module', async () => {
    const text = `
      import { replay, UserError } from "clockhand";
      const report = await replay({ trace: process.argv[2], policy: "lru", frames: 30 });
      const error = await replay({ trace: "/none" }).catch((error) => error);
      console.log(JSON.stringify({ report, user: error instanceof UserError }));`;
    const output = JSON.parse(await run(process.execPath, [write(project, text, "use.mjs"), MIXED], project));
    expect(output.user).toBe(true);
    const report = await replayJson(MIXED, ["--policy", "lru", "--frames", "30"]);
    expect(comparable(output.report)).toEqual(comparable(report));
  });

  test("its package.json can be imported, its insides cannot", async () => {
    const text = `
      import manifest from "clockhand/package.json" with { type: "json" };
      const inside = await import("clockhand/dist/run/replay.js").catch((error) => error.code);
      console.log(manifest.name, inside);`;
    const output = await run(
      process.execPath,
      ["--no-warnings", write(project, text, "inside.mjs")],
      project,
    );
    expect(output).toBe("clockhand ERR_PACKAGE_PATH_NOT_EXPORTED\n");
  });
});

describe.concurrent("the types, in the project where it is installed", () => {
  const tsc = join(ROOT, "node_modules/.bin/tsc");
  const strict = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"];
  const settings = [...strict, "--skipLibCheck", "false", "--target", "es2023", "--types", ""];

  const good = `
    import { replay, UserError, type Progress, type ReplayOptions, type ReplayReport } from "clockhand";
    const options: ReplayOptions = { trace: "x", frames: 10, include: ["load"], signal: new AbortController().signal };
    const report: ReplayReport = await replay({ ...options, onProgress: ({ share }: Progress) => void share });
    const faults: number = report.result.faults.major;
    const stop: number | null = report.verdict.frames_to_stop;
    try { await replay({ trace: "x" }); } catch (error) { if (error instanceof UserError) void error.message; }
    export { faults, stop };`;

  for (const resolution of ["nodenext", "bundler"]) {
    test(`check with module resolution ${resolution}, libraries' own types included`, async () => {
      const file = write(project, good, `good-${resolution}.ts`);
      const module = resolution === "bundler" ? "esnext" : "nodenext";
      const args = [
        ...settings,
        "--module",
        module,
        "--moduleResolution",
        resolution,
        "--lib",
        "es2023,dom",
        file,
      ];
      const { code, stdout } = await start(tsc, args, { cwd: project }).outcome;
      expect([stdout, code]).toEqual(["", 0]);
    });
  }

  test("find mistakes", async () => {
    const bad = `
      import { replay } from "clockhand";
      const report = await replay({ trace: 7, polcy: "lru" });
      report.result.nothing;`;
    const args = [...settings, "--module", "nodenext", "--lib", "es2023,dom", write(project, bad, "bad.ts")];
    const { code, stdout } = await start(tsc, args, { cwd: project }).outcome;
    expect(code).not.toBe(0);
    expect(stdout).toMatch(/bad\.ts/);
  });
});
