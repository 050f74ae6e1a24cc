// Package casefile owns the case: the embedded DuckDB with its canonical tables, provenance and rejected rows, and the
// answering of KQL over them. It is the only importer of the DuckDB driver.
package casefile

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"
	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// Options say where a case lies and what it may use.
type Options struct {
	// Dir is the case's folder; "" makes a temporary case that vanishes with Close.
	Dir string
	// ReadOnly opens a case that is there, to ask it: several programs may do so at once.
	ReadOnly bool
	// Memory is how many bytes the whole process may use; 0 is 2 GB.
	Memory int64
	// Places is a city database of MaxMind's form (GeoLite2-City.mmdb), which says where addresses are; "" for none.
	Places string
	// Threads is how many threads may work; 0 is one a processor.
	Threads int
	// ToolVersion is written beside each file that is loaded.
	ToolVersion string
	// Batch is how many bytes of evidence one transaction takes, or one file that is larger; 0 is 64 MB.
	Batch int64
	// Progress is told the bytes read so far, the bytes in all and the file that is being read; may be nil. It is called
	// from one goroutine at a time.
	Progress func(read, total int64, file string)
	// Watch is told of each question by its name, and within it of each table that is materialized for it, when it begins;
	// what it returns is called when that has ended. May be nil.
	Watch func(what string) (ended func())
}

// Case is an open case. Its methods must not be called at the same time.
type Case struct {
	opt        Options
	readOnly   bool
	db         *sql.DB
	conn       *sql.Conn
	temporary  string
	passed     []string // see Passed
	tables     map[string]*schema.Table
	names      []string
	watchlists map[string]string // alias in lower case -> table
	given      map[string]bool   // those that came as evidence
	named      map[string]string // what LoadNamed has loaded, by name: its path
	asOf       schema.Ticks
	asOfSource string
	sources    int               // table functions registered so far, for their names
	portion    int64             // rows that are loaded before the database is opened anew
	mayWait    int64             // rows of its table that a worker sets aside before their columns are stored
	scratch    string            // the folder of what does not outlive the program
	keeping    bool              // the database of kept tables is there
	kept       []string          // its tables, which hold what queries materialized
	places     *maxminddb.Reader // nil when none was named
}

// Names of the files in a case's folder.
const (
	databaseName = "case.duckdb"
	// ManifestName is the manifest: every file of evidence and what became of its rows.
	ManifestName = "manifest.json"
	// RejectsName holds the rejected rows, one JSON object per line.
	RejectsName = "rejects.jsonl"
	// FindingsName holds the findings of the last hunt over all of the case.
	FindingsName = "findings.json"
)

// Exists reports whether a folder holds a case.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, databaseName))
	return err == nil
}

// Open makes or opens a case.
func Open(ctx context.Context, opt Options) (*Case, error) {
	opt.Memory = cmp.Or(opt.Memory, 2e9)
	opt.Batch = cmp.Or(opt.Batch, 64<<20)
	if opt.Watch == nil {
		opt.Watch = func(string) func() { return func() {} }
	}
	c := &Case{opt: opt, portion: portion, mayWait: mayWait, tables: map[string]*schema.Table{}, watchlists: map[string]string{}, named: map[string]string{}, given: map[string]bool{}}
	dir := opt.Dir
	switch {
	case dir == "":
		var err error
		if dir, err = os.MkdirTemp("", "replaytrace-"); err != nil {
			return nil, fmt.Errorf("make a temporary case: %w", err)
		}
		c.temporary = dir
	case opt.ReadOnly && !Exists(dir):
		return nil, &Missing{dir}
	default:
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, fmt.Errorf("make the case's folder: %w", err)
		}
	}
	path := filepath.Join(dir, databaseName)
	_, unfinished := os.Stat(path + ".wal") // left by a run that was killed: it is played back by opening the case for writing
	c.readOnly = opt.ReadOnly && unfinished != nil
	err := c.start(ctx, path)
	if errors.Is(err, errOutdated) {
		c.readOnly = false
		if err = c.stop(); err == nil {
			err = c.start(ctx, path)
		}
	}
	if err != nil && strings.Contains(err.Error(), "Could not set lock") {
		err = &Busy{dir}
	}
	if err != nil {
		return nil, c.orFull(errors.Join(err, c.Close()))
	}
	return c, nil
}

// Busy is a case that another program has open: one may write to it, or several may read it.
type Busy struct{ Dir string }

func (e *Busy) Error() string {
	return "the case " + e.Dir + " is in use: another replaytrace is adding evidence, or reads it while this one would add some"
}

// Hint says what to do.
func (e *Busy) Hint() string { return "wait until it has ended, then give the command again" }

// errOutdated says that a case that was opened for reading must be written to first: its tables are those of an older
// version, or an ingest was killed.
var errOutdated = errors.New("the case must be brought up to date")

// Missing is a folder that holds no case.
type Missing struct{ Dir string }

func (e *Missing) Error() string { return "there is no case in " + e.Dir }

// Hint says how to make one.
func (e *Missing) Hint() string { return "make one: replaytrace ingest PATH... --case " + e.Dir }

// databaseShare is how many tenths of the memory are DuckDB's to plan with. It counts neither what it compresses with nor
// what its allocator keeps, which is told to keep little, and reading needs some as well.
const databaseShare = 5

// rowGroup is how many rows lie together in the database. Each thread that loads evidence holds as many in memory before
// they are compressed, and the rows of sign-ins are wide: DuckDB's own 122,880 take half a gigabyte a thread, which spills.
const rowGroup = 15 * chunkSize

// threadMemory is what one thread that moves wide rows needs, with some room: its group of rows, its chunk, its blocks.
const threadMemory = 200 << 20

// threads is how many threads work: as many as may and the memory allows.
func (c *Case) threads() int {
	return max(min(cmp.Or(c.opt.Threads, runtime.GOMAXPROCS(0)), int(c.opt.Memory/threadMemory)), 1)
}

// settings are DuckDB's. Extensions are never fetched, and nothing is stored in an order that costs a sort.
func (c *Case) settings() []string {
	return []string{
		"SET temp_directory = " + quoteText(c.scratch),
		"SET autoinstall_known_extensions = false", "SET autoload_known_extensions = false",
		// What is written of a file's times must not depend on the machine's zone.
		"SET GLOBAL TimeZone = 'UTC'",
		"SET preserve_insertion_order = false", c.limit(),
		"SET allocator_flush_threshold = '16MB'", "SET allocator_background_threads = true", "SET write_buffer_row_group_count = 1", "SET enable_progress_bar = false", "SET scalar_subquery_error_on_multiple_rows = false",
		useThreads(c.threads()),
	}
}

// evidenceDatabase is the name under which the database's file is attached.
const evidenceDatabase = "evidence"

// attach are the statements that open the database's file, which is attached because only then can its layout be chosen.
func (c *Case) attach(path string) []string {
	options := fmt.Sprintf("STORAGE_VERSION 'latest', ROW_GROUP_SIZE %d", rowGroup)
	if c.readOnly {
		options = "READ_ONLY"
	}
	return []string{"ATTACH " + quoteText(path) + " AS " + evidenceDatabase + " (" + options + ")", "USE " + evidenceDatabase}
}

// reopen opens the database's file anew. Of every group of rows that was written or read since it was opened DuckDB keeps
// in memory what its columns are like, ten bytes a row, and counts it nowhere. While it is closed, all that is given back.
// It is opened also where ctx has ended: without its database the case could not be put in order.
func (c *Case) reopen(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	return c.alone(ctx, func() error {
		return c.execAll(ctx, append([]string{"USE memory", "DETACH " + evidenceDatabase, c.limit()}, c.attach(filepath.Join(c.dir(), databaseName))...)...)
	})
}

// alone runs f with one thread, for statements that have nothing to share out: while one thread runs such a statement the others
// would ask for work without pause. Where f fails the transaction that it is in, the threads stay so until its end; see batch.
func (c *Case) alone(ctx context.Context, f func() error) error {
	if err := c.Exec(ctx, useThreads(1)); err != nil {
		return err
	}
	err := f()
	return cmp.Or(err, c.Exec(context.WithoutCancel(ctx), useThreads(c.threads())))
}

func useThreads(n int) string { return fmt.Sprintf("SET threads = %d", n) }

// lean is execAll for statements that need much memory: what each leaves is given back before the next.
func (c *Case) lean(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if err := c.execAll(ctx, s, c.limit()); err != nil {
			return err
		}
	}
	return nil
}

// affected is lean for a statement that changes rows; it counts them.
func (c *Case) affected(ctx context.Context, statement string) (int64, error) {
	result, err := c.conn.ExecContext(ctx, statement)
	if err != nil {
		return 0, fmt.Errorf("%w (in %.200s)", err, statement)
	}
	n, err := result.RowsAffected()
	return n, errors.Join(err, c.Exec(ctx, c.limit()))
}

// limit tells DuckDB what it may use, and each time it is told it gives to the system what its allocators keep of all that
// was freed. Otherwise they hold some hundred megabytes, and more the longer the program runs.
func (c *Case) limit() string {
	return fmt.Sprintf("SET memory_limit = '%d B'", c.opt.Memory/10*databaseShare)
}

func (c *Case) start(ctx context.Context, path string) error {
	if err := c.makeScratch(); err != nil {
		return err
	}
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return fmt.Errorf("open case %s: %w", path, err)
	}
	c.db = sql.OpenDB(connector)
	if c.conn, err = c.db.Conn(ctx); err != nil {
		return fmt.Errorf("open case %s: %w", path, err)
	}
	if err := c.execAll(ctx, append(c.settings(), c.attach(path)...)...); err != nil {
		return err
	}
	for _, m := range kql.Macros() {
		if err := c.Exec(ctx, "CREATE OR REPLACE TEMP MACRO "+m); err != nil {
			return err
		}
	}
	if !c.readOnly {
		if err := c.sweep(); err != nil {
			return fmt.Errorf("remove what a killed program left: %w", err)
		}
	}
	if err := c.openPlaces(); err != nil {
		return err
	}
	for _, s := range kql.Scalars() {
		if s.Places && c.places != nil {
			s.Fn, s.Volatile = c.whereabouts, false
		}
		if err := c.register(s); err != nil {
			return err
		}
	}
	if err := c.upToDate(ctx); err != nil {
		return err
	}
	if err := c.dropUnbooked(ctx); err != nil {
		return err
	}
	return c.givenWatchlists(ctx)
}

// dir is the folder of the case.
func (c *Case) dir() string { return cmp.Or(c.opt.Dir, c.temporary) }

// quoteName and quoteText write a name and a text in SQL as the compiler does.
var quoteName, quoteText = function.Identifier, function.Quote

// literal is a path as DuckDB reads it where it would take it for a pattern.
func literal(path string) string {
	return strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(path)
}

// Exec runs one SQL statement.
func (c *Case) Exec(ctx context.Context, text string) error {
	if _, err := c.conn.ExecContext(ctx, text); err != nil {
		return fmt.Errorf("%w (in %.200s)", err, text)
	}
	return nil
}

// execAll runs SQL statements, one after the other.
func (c *Case) execAll(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if err := c.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// transact runs f in one transaction: all of it holds, or nothing.
func (c *Case) transact(ctx context.Context, f func() error) error {
	if err := c.Exec(ctx, "BEGIN"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = c.Exec(ctx, "COMMIT")
	}
	if err != nil { // the transaction ends also where ctx has ended
		_ = c.Exec(context.WithoutCancel(ctx), "ROLLBACK")
	}
	return err
}

// Close closes the case; a temporary one is removed.
func (c *Case) Close() error {
	err := c.stop()
	if c.temporary != "" {
		err = errors.Join(err, os.RemoveAll(c.temporary))
	}
	return err
}

func (c *Case) stop() error {
	var errs []error
	if c.conn != nil {
		errs = append(errs, c.conn.Close())
	}
	if c.db != nil {
		errs = append(errs, c.db.Close())
	}
	if c.places != nil {
		errs = append(errs, c.places.Close())
	}
	if c.scratch != "" {
		errs = append(errs, os.RemoveAll(c.scratch))
	}
	c.conn, c.db, c.places, c.scratch, c.keeping, c.kept = nil, nil, nil, "", false, nil
	return errors.Join(errs...)
}
