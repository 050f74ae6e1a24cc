// Package evidence owns the reading of exports: which files there are, what shape each is, and its records, every one
// with its place and its cells or with the reason why it has none. It knows nothing of the database.
package evidence

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
)

// Codes of rejected records: the closed list, each with its meaning in Codes.
const (
	CodeInvalidJSON      = "invalid_json"
	CodeInvalidUTF8      = "invalid_utf8"
	CodeDuplicateKey     = "duplicate_key"
	CodeTooDeep          = "too_deep"
	CodeTooLarge         = "too_large"
	CodeTruncated        = "truncated"
	CodeTruncatedFile    = "truncated_file"
	CodeWrongCells       = "wrong_cell_count"
	CodeOpenQuote        = "open_quote"
	CodeUnsupportedTable = "unsupported_table"
	CodeUnrecognised     = "unrecognised"
	CodeNoRecord         = "no_record"
	CodeBadDatetime      = "bad_datetime"
	CodeAmbiguousTime    = "ambiguous_time"
	CodeBadValue         = "bad_value"
)

// Codes says what each code of a rejected record means.
var Codes = []struct{ Code, Meaning string }{
	{CodeInvalidJSON, "The record is not JSON: the reason says what stands where."},
	{CodeInvalidUTF8, "The record holds bytes that are no UTF-8, or half of a character in UTF-16."},
	{CodeDuplicateKey, "The record has the same key twice: which of the values holds is unknown."},
	{CodeTooDeep, "The record nests deeper than any log does."},
	{CodeTooLarge, "The record is larger than 64 MB. Reading goes on at the next line."},
	{CodeTruncated, "The record ends in the middle."},
	{CodeTruncatedFile, "The file ends in the middle of the record: what came after is lost, and nobody knows how much it was."},
	{CodeWrongCells, "The row of the CSV has more or fewer cells than the header."},
	{CodeOpenQuote, "A quote in the row of the CSV is not closed; the row alone is given up, the next one begins at the next line."},
	{CodeUnsupportedTable, "The record is of a table that is not loaded; the reason names it."},
	{CodeUnrecognised, "The record has nothing of a known table."},
	{CodeNoRecord, "The row has neither a time nor an id: it is the line of a summary, not a record of an event."},
	{CodeBadDatetime, "A time is in no known form."},
	{CodeAmbiguousTime, "A time can mean two instants: day and month cannot be told apart over the whole file, or the zone is missing where local times are usual."},
	{CodeBadValue, "A value does not fit the type of its column."},
}

// Reject is one record that could not be loaded.
type Reject struct {
	Place
	Code   string
	Reason string
	Raw    string // at most maxRaw bytes of it
}

const maxRaw = 64 << 10

func clip(b []byte) string {
	if len(b) > maxRaw {
		b = b[:maxRaw]
	}
	return string(b)
}

// Problem is a path that could not be read at all.
type Problem struct {
	Path string
	Err  error
	Help string
}

// Files finds and opens evidence, also what lies in archives. The zero value does; Close ends it.
type Files struct {
	// Scratch is the folder into which a compressed archive is unpacked; "" is that of the system's temporary files.
	Scratch string
	// Passed are the files and folders that Discover passed over: what systems leave in folders, which is no evidence.
	Passed []string

	mu sync.Mutex
	// last is the archive that was asked for last: its files are opened one after the other, each several times, and its list
	// may be long.
	last *archive
}

// Close closes the archive that was asked for last. Files that are being read are not touched.
func (s *Files) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		return nil
	}
	err := s.last.release()
	s.last = nil
	return err
}

// Discover lists the files below the paths, and those in archives, each once, in order. `-` is standard input. What
// cannot be read is a Problem; it ends nothing.
func (s *Files) Discover(paths []string) (files []string, problems []Problem) {
	seen := map[string]bool{}
	add := func(path string) {
		if seen[path] {
			return
		}
		seen[path] = true
		inside, found, isArchive := s.filesIn(path)
		problems = append(problems, found...)
		if isArchive {
			files = append(files, inside...)
		} else {
			files = append(files, path)
		}
	}
	for _, path := range paths {
		if path == Stdin {
			add(path)
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			problems = append(problems, Problem{path, plainError(err), "check the spelling; a path is a file or a folder of exports"})
			continue
		}
		if !info.IsDir() {
			add(filepath.Clean(path))
			continue
		}
		found, broken := s.walk(path)
		problems = append(problems, broken...)
		for _, f := range found {
			add(f)
		}
		if len(found) == 0 {
			problems = append(problems, Problem{path, errors.New("the folder holds no file"), "export sign-in logs into it: SigninLogs and AADNonInteractiveUserSignInLogs at least"})
		}
	}
	return files, problems
}

// walk lists the regular files of a folder, which may be named by a link. Links in it are not followed, so that none leads
// out of it, and are said. What systems leave in folders is passed over and kept in Passed.
func (s *Files) walk(root string) (files []string, problems []Problem) {
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		path := filepath.Join(root, filepath.FromSlash(name))
		switch {
		case err != nil:
			problems = append(problems, Problem{path, plainError(err), "make it readable for this user"})
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
		case name != "." && ofSystem(d.Name()):
			s.Passed = append(s.Passed, path)
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.Type().IsRegular():
			files = append(files, path)
		case !d.IsDir():
			problems = append(problems, Problem{path, errors.New("a link or special file in a folder is not followed"), "give the file itself, or its folder"})
		}
		return nil
	})
	if err != nil {
		problems = append(problems, Problem{root, plainError(err), ""})
	}
	sort.Strings(files)
	return files, problems
}

// ofSystem reports whether a name is that of what systems and their desktops leave in folders: hidden files, thumbnails, and
// what macOS keeps beside the files of an archive.
func ofSystem(name string) bool {
	switch strings.ToLower(name) {
	case "thumbs.db", "desktop.ini", "__macosx":
		return true
	}
	return strings.HasPrefix(name, ".")
}

func startsWith(path, magic string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	head := make([]byte, len(magic))
	_, err = io.ReadFull(file, head)
	return err == nil && string(head) == magic
}

func plainError(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
