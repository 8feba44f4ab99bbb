"""The kinds of project a session is about: their files, commands and ways to fail."""

import random
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Kind:
    """An archetype. In commands and paths {area}, {role} and {name} stand for a file's own words."""

    key: str
    names: tuple[str, ...]
    source: str
    test: str
    extra: str
    areas: tuple[str, ...]
    roles: tuple[str, ...]
    settings: tuple[str, ...]
    test_one: tuple[str, ...]
    test_all: tuple[str, ...]
    build: tuple[str, ...]
    lint: tuple[str, ...]
    run: tuple[str, ...]
    odd: tuple[str, ...]
    failures: tuple[str, ...]
    code: tuple[str, ...]


PYTHON = Kind(
    "python",
    ("ledgerline", "parcelhub", "tariffd", "rosterly"),
    "src/app/{area}/{area}_{role}.py",
    "tests/{area}/test_{area}_{role}.py",
    "tests/{area}/data/{area}_{role}.json",
    (
        "invoice",
        "refund",
        "customer",
        "webhook",
        "tariff",
        "export",
        "audit",
        "session",
        "currency",
        "dunning",
        "quota",
    ),
    ("models", "routes", "queries", "rules", "schemas"),
    ("pyproject.toml", "alembic.ini", "Makefile", "docker-compose.yml", "README.md", ".github/workflows/ci.yml"),
    (
        "uv run pytest {test} -x -q",
        "uv run pytest {test}::test_{area}_{role} -vv",
        "python -m pytest {test} --no-header",
    ),
    ("uv run pytest -q -n 4 --dist loadfile", "make test-unit", "python -m pytest tests -q --maxfail=3"),
    ("docker compose build api", "uv build --wheel"),
    ("uv run ruff check src tests", "uv run mypy --strict src/app"),
    ("uv run uvicorn app.main:create --factory --port {port}",),
    ("DATABASE_URL=postgresql://app:app@localhost:{port}/app_test uv run pytest -q tests/integration -m slow",),
    (
        "E   AssertionError: assert Decimal('{a}.{b}') == Decimal('{a}.{c}') for {area} {n}",
        'E   sqlalchemy.exc.IntegrityError: duplicate key value violates unique constraint "uq_{area}_{role}_{n}"',
        "E   TypeError: {area}_{role}() missing 1 required keyword-only argument: 'period_{n}'",
        "E   KeyError: '{area}_id_{n}'",
    ),
    ("    if row.period_end is None:\n        return []", "    return await session.scalar(statement)"),
)

TYPESCRIPT = Kind(
    "typescript",
    ("seatmap", "planboard", "kiosk-web", "recipe-desk"),
    "src/{area}/{area}-{role}.ts",
    "src/{area}/__tests__/{area}-{role}.test.ts",
    "src/{area}/{area}-{role}.css",
    ("cart", "seat", "checkout", "profile", "search", "calendar", "upload", "banner", "locale", "basket", "ticket"),
    ("store", "client", "panel", "format", "guards"),
    ("package.json", "tsconfig.json", "vite.config.ts", "eslint.config.js", "README.md", ".env.example"),
    ("npx vitest run {test}", "npx vitest run {test} -t '{area} {role}'", "npm test -- {test} --reporter=dot"),
    ("npm test -- --run", "npm run test:unit -- --coverage=false"),
    ("npm run build", "npx vite build --mode staging"),
    ("npm run lint -- --max-warnings 0", "npx tsc --noEmit -p tsconfig.json"),
    ("npm run dev -- --port {port} --strictPort",),
    ("API_ORIGIN=http://127.0.0.1:{port} npx playwright test e2e/{area}.spec.ts --project=chromium",),
    (
        "AssertionError: expected 'EUR {a}.{b}' to be 'EUR {a},{c}' // {area} {n}",
        "TypeError: Cannot read properties of undefined (reading '{area}Slot{n}')",
        "src/{area}/{area}-{role}.ts({a},{b}): error TS2345: Type 'string | null' is not assignable to 'Id{n}'",
        "Error: Timed out in waitFor after {n}ms: {area} never settled",
    ),
    ("  if (!slot) return null;", "  const next = produce(state, (draft) => {\n    draft.open = true;\n  });"),
)

GO = Kind(
    "go",
    ("relayd", "hookpost", "meterd"),
    "internal/{area}/{area}_{role}.go",
    "internal/{area}/{area}_{role}_test.go",
    "internal/{area}/testdata/{area}_{role}.json",
    ("queue", "retry", "tenant", "signer", "broker", "limiter", "cursor", "shard", "gateway", "lease"),
    ("store", "http", "worker", "config", "codec"),
    ("go.mod", "Makefile", "Dockerfile", "config/dev.yaml", "README.md", ".golangci.yml"),
    ("go test ./internal/{area}/... -run Test{Area}{Role} -count=1", "go test -race -count=1 ./internal/{area}"),
    ("go test ./... -count=1 -timeout 120s", "make test"),
    ("go build -o bin/{name} ./cmd/{name}", "make build VERSION=dev{n}"),
    ("golangci-lint run ./...", "go vet ./..."),
    ("go run ./cmd/{name} -config config/dev.yaml -addr :{port}",),
    ("REDIS_ADDR=localhost:{port} go test -tags integration ./internal/broker/... -run TestDrain -v",),
    (
        "    {area}_{role}_test.go:{a}: got {b} deliveries, want {c} (case {n})",
        "panic: runtime error: index out of range [{a}] with length {b} in {area}.next{n}",
        "internal/{area}/{area}_{role}.go:{a}:{b}: undefined: lease{n}",
        "WARNING: DATA RACE: write at 0x00c000{n} by goroutine {a} in {area}.({Role})",
    ),
    ('\tif err != nil {\n\t\treturn fmt.Errorf("lease: %w", err)\n\t}', "\tdefer s.mu.Unlock()"),
)

RUST = Kind(
    "rust",
    ("grainstore", "logsieve", "tarsier"),
    "crates/{area}/src/{area}_{role}.rs",
    "crates/{area}/tests/{area}_{role}_it.rs",
    "crates/{area}/docs/{area}_{role}.md",
    ("index", "segment", "merge", "reader", "schema", "posting", "filter", "wal", "snapshot", "cache"),
    ("writer", "codec", "iter", "plan", "bounds"),
    ("Cargo.toml", "rust-toolchain.toml", "deny.toml", "justfile", "README.md", ".cargo/config.toml"),
    ("cargo test -p {area} {area}_{role} -- --nocapture", "cargo test -p {area} --test {area}_{role}_it"),
    ("cargo nextest run --workspace --no-fail-fast", "cargo test --workspace --quiet"),
    ("cargo build --release -p {name}-cli --features simd", "just build"),
    ("cargo clippy --workspace --all-targets -- -D warnings", "cargo fmt --all -- --check"),
    ("cargo run -p {name}-cli -- serve --listen 127.0.0.1:{port}",),
    ("RUSTFLAGS='-C target-cpu=native' cargo bench -p index --bench merge{n} -- --warm-up-time 1",),
    (
        "thread '{area}_{role}' panicked at crates/{area}/src/{area}_{role}.rs:{a}:{b}: offset {n} out of bounds",
        "error[E0502]: cannot borrow `self.{area}_{n}` as mutable because it is also borrowed as immutable",
        "error[E0277]: the trait bound `{Area}Key{n}: Ord` is not satisfied",
        "assertion `left == right` failed: {area} {n}  left: {a}  right: {b}",
    ),
    ("    let next = self.cursor.peek()?;", "    if range.is_empty() {\n        return Ok(None);\n    }"),
)

INFRA = Kind(
    "infra",
    ("cluster-live", "edge-fleet", "ops-stack"),
    "modules/{area}/{area}_{role}.sh",
    "checks/{area}/{area}_{role}_check.sh",
    "modules/{area}/{area}_{role}.yml",
    ("dns", "ingress", "backup", "vault", "runner", "metrics", "bucket", "network", "certs", "restore"),
    ("apply", "rotate", "probe", "drain", "vars"),
    ("main.tf", "variables.tf", "inventory.yml", "Makefile", "README.md", ".gitlab-ci.yml"),
    ("bash {test} --env staging", "bats {test} --tap"),
    ("make checks ENV=staging", "bats -r checks --jobs 4"),
    ("terraform plan -out=plan{n}.bin -var-file=env/staging.tfvars", "packer build -only=amd64 images/{name}.pkr.hcl"),
    ("shellcheck -x modules/*/*.sh", "terraform fmt -check -recursive"),
    ("docker compose -f compose.staging.yml up -d --wait",),
    ("AWS_PROFILE=staging-{n} terraform apply -target=module.network -auto-approve",),
    (
        "Error: creating {area} record {n}: InvalidChangeBatch: tried to create resource that already exists",
        "{area}_{role}.sh: line {a}: {AREA}_TOKEN_{n}: unbound variable",
        "not ok {a} {area} {role} answers within {b}s # exit status {c} after {n} ms",
        "Error: Error acquiring the state lock: Lock ID 7f{n}-{area}-{a}{b}",
    ),
    ("set -euo pipefail", 'for host in "${hosts[@]}"; do\n  probe "$host" || failed+=("$host")\ndone'),
)

DOCS = Kind(
    "docs",
    ("handbook", "fieldguide", "api-guide"),
    "docs/{area}/{area}-{role}.md",
    "examples/{area}/{area}-{role}-example.py",
    "examples/{area}/{area}-{role}.json",
    ("install", "billing", "tokens", "events", "paging", "errors", "limits", "regions", "sandbox", "teams"),
    ("guide", "reference", "howto", "faq", "changes"),
    ("mkdocs.yml", "requirements.txt", "Makefile", "README.md", "docs/index.md", ".vale.ini"),
    ("python examples/run.py {test}", "python -m doctest -o ELLIPSIS {source}"),
    ("make examples", "python examples/run.py --all --jobs 2"),
    ("mkdocs build --strict", "make html"),
    ("vale --minAlertLevel=warning docs", "npx markdownlint-cli2 'docs/**/*.md'"),
    ("mkdocs serve -a 127.0.0.1:{port}",),
    ("GUIDE_TOKEN=test-{n} python examples/run.py --live --only paging",),
    (
        "WARNING -  Doc file '{area}/{area}-{role}.md' contains a link '../{area}-{n}.md', but the target is not found",
        "docs/{area}/{area}-{role}.md:{a}:{b}: error Vale.Terms: use 'sign in' instead of 'log in' ({n})",
        "urllib.error.HTTPError: HTTP Error 4{a}: {area} example {n} was refused",
        'File "examples/{area}/{area}-{role}-example.py", line {a}: expected {b} pages, got {c} ({n})',
    ),
    ("Each answer has a `next` link until the last page.", "!!! note\n    Tokens of the sandbox end after a day."),
)

KINDS = (PYTHON, TYPESCRIPT, GO, RUST, INFRA, DOCS)


@dataclass(slots=True)
class Unit:
    """A piece of the project: a source file and its test."""

    area: str
    role: str
    source: str
    test: str
    extra: str


@dataclass(slots=True)
class Project:
    """A project of a kind, with words of its own."""

    kind: Kind
    name: str
    root: str
    rng: random.Random
    port: int = 0
    units: list[Unit] = field(default_factory=list)

    def fill(self, text: str, unit: Unit, **more: object) -> str:
        """A command or an error of this project about a unit."""
        area, role = unit.area, unit.role
        words = {"area": area, "role": role, "Area": area.title(), "Role": role.title(), "AREA": area.upper()}
        places = {"source": unit.source, "test": unit.test, "extra": unit.extra, "root": self.root}
        places |= {"name": self.name, "port": str(self.port)}
        return text.format(**{**words, **places, "n": self.rng.randrange(1000, 9999), **more})

    def failure(self, unit: Unit) -> str:
        """A line of an error that has not been seen before."""
        numbers = {letter: self.rng.randrange(11, 98) for letter in "abc"}
        return self.fill(self.rng.choice(self.kind.failures), unit, **numbers).strip()


HOME = "/home/ada/work"
"""Where all projects lie."""


def project(kind: Kind, rng: random.Random, name: str = "", root: str = "") -> Project:
    """A project of this kind; with a name and a folder when it is a worktree of one that there is."""
    name = name or rng.choice(kind.names)
    made = Project(kind, name, root or f"{HOME}/{name}", rng, rng.randrange(5401, 9900))
    for area in kind.areas:
        for role in kind.roles:
            paths = [pattern.format(area=area, role=role) for pattern in (kind.source, kind.test, kind.extra)]
            made.units.append(Unit(area, role, *paths))
    return made
