package evidence

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestHalfPairInUTF16: half of a surrogate pair in UTF-16 rejects its record.
func TestHalfPairInUTF16(t *testing.T) {
	var text bytes.Buffer
	write := func(s string, units ...uint16) {
		for _, c := range []byte(s) {
			units = append(units, uint16(c))
		}
		for _, u := range units {
			text.Write([]byte{byte(u), byte(u >> 8)})
		}
	}
	write("", 0xfeff)
	write(good(1) + `{"Type":"SigninLogs","Id":"x`)
	write("", 0xd800)
	write("\"}\n" + good(2))
	if rejects, rows := hostile(t, "rows.jsonl", text.String()); rejects != "2:invalid_utf8" || rows != 2 {
		t.Errorf("%d rows, rejected %q", rows, rejects)
	}
	// Without a mark, as some shippers write it.
	if rejects, rows := hostile(t, "rows.jsonl", strings.ReplaceAll(text.String()[2:], "\x00\xd8", "")); rejects != "" || rows != 3 {
		t.Errorf("without a mark: %d rows, rejected %q", rows, rejects)
	}
}

func TestArchives(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "evidence.zip")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(file)
	for _, entry := range []struct{ name, text string }{
		{"in/rows.jsonl", good(1)}, {"../../out.jsonl", good(2)}, {"/abs.jsonl", good(3)},
	} {
		w, err := z.Create(entry.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, entry.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "secret.jsonl")
	if err := os.WriteFile(outside, []byte(good(4)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.jsonl")); err != nil {
		t.Fatal(err)
	}
	files, problems := new(Files).Discover([]string{dir})
	if len(files) != 1 || files[0] != path+"!in/rows.jsonl" {
		t.Errorf("files %q", files)
	}
	if len(problems) != 3 {
		t.Errorf("problems %v", problems)
	}
	if _, rows, _ := records(t, files[0]); len(rows) != 1 || rows[0]["Id"] != "1" {
		t.Errorf("rows %v", rows)
	}
	if sum, err := new(Files).Hash(files[0]); err != nil || len(sum) != 64 {
		t.Errorf("hash %q: %v", sum, err)
	}
}

// tarOf is a tar archive of files, each a row.
func tarOf(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, name := range names {
		text := good(i + 1)
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.WriteHeader(&tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestTar: the files of a tar archive are read, compressed or not; of one that is cut those that are whole, and it is said.
func TestTar(t *testing.T) {
	whole := tarOf(t, "./a.jsonl", "in/b.jsonl", "in/b.jsonl", "../c.jsonl")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(whole); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		data     []byte
		files    int
		problems []string
	}{
		"whole.tar":   {whole, 2, []string{"two files of this name", "leads out"}},
		"whole.tgz":   {packed.Bytes(), 2, []string{"two files of this name", "leads out"}},
		"cut.tar":     {whole[:2*512+512+1], 1, []string{"damaged"}}, // within the text of the second
		"cut.tar.gz":  {packed.Bytes()[:packed.Len()-9], 2, []string{"two files", "leads out", "damaged"}},
		"no-tar.json": {[]byte(good(1)), 1, nil},
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, test.data, 0o600); err != nil {
			t.Fatal(err)
		}
		files, problems := new(Files).Discover([]string{path})
		if len(files) != test.files {
			t.Errorf("%s: files %q", name, files)
		}
		for i, file := range files {
			if _, rows, _ := records(t, file); len(rows) != 1 || rows[0]["Id"] != strconv.Itoa(i+1) {
				t.Errorf("%s: rows %v", file, rows)
			}
		}
		if len(problems) != len(test.problems) {
			t.Errorf("%s: problems %v", name, problems)
			continue
		}
		for i, want := range test.problems {
			if !strings.Contains(problems[i].Err.Error(), want) {
				t.Errorf("%s: problem %q, want %q", name, problems[i].Err, want)
			}
		}
	}
}

// TestArchiveIsClosed: the file of an archive is open while it is the last one or a file in it is being read, and what it is
// unpacked into lies in the folder given. Where that is not there, this alone is the error.
func TestArchiveIsClosed(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for _, name := range []string{"plain.tar", "packed.tgz"} {
		data := tarOf(t, "a.jsonl")
		if name == "packed.tgz" {
			data = packed(data)
		}
		paths = append(paths, filepath.Join(dir, name))
		if err := os.WriteFile(paths[len(paths)-1], data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := &Files{Scratch: dir}
	closed := func(a *archive) bool {
		_, err := a.file.Stat()
		return errors.Is(err, os.ErrClosed)
	}
	var lists []*archive
	var open []io.ReadCloser
	for _, path := range paths {
		found, problems := files.Discover([]string{path})
		if len(found) != 1 || len(problems) > 0 {
			t.Fatalf("%q, %v", found, problems)
		}
		r, _, err := files.openRaw(found[0])
		if err != nil {
			t.Fatal(err)
		}
		lists, open = append(lists, files.last), append(open, r)
	}
	if filepath.Dir(lists[1].file.Name()) != dir {
		t.Errorf("unpacked into %s", lists[1].file.Name())
	}
	if err := files.Close(); err != nil {
		t.Error(err)
	}
	for i, r := range open {
		if text, err := io.ReadAll(r); err != nil || string(text) != good(1) {
			t.Errorf("%s: %q, %v", paths[i], text, err)
		}
		if closed(lists[i]) {
			t.Errorf("%s is closed while it is read", paths[i])
		}
		if err := r.Close(); err != nil || !closed(lists[i]) {
			t.Errorf("%s is not closed: %v", paths[i], err)
		}
	}
	files.Scratch = filepath.Join(dir, "nowhere")
	_, problems := files.Discover(paths[1:])
	if len(problems) != 1 || !errors.Is(problems[0].Err, os.ErrNotExist) || errors.Is(problems[0].Err, os.ErrClosed) {
		t.Errorf("problems %v", problems)
	}
}

// TestNotRead: files that are no text are named for what they are, with what to do.
func TestNotRead(t *testing.T) {
	_, shapes := testLayout(t)
	for data, want := range map[string]string{
		"7z\xbc\xaf\x27\x1c\x00\x04": "7z", "BZh91AY&SY": "bzip2", "\xfd7zXZ\x00\x00\x04": "xz", "%PDF-1.7": "PDF",
		"\xef\xbb\xbf<Objs Version=\"1.1.0.1\">": "XML", "SQLite format 3\x00": "SQLite",
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := new(Files).Open(path, shapes)
		var told *NotRecognised
		if !errors.As(err, &told) || !strings.Contains(told.Reason, want) || told.Help == "" {
			t.Errorf("%q: %v", data, err)
		}
	}
}

// TestWorkbook: a workbook is a zip archive, and said to be a workbook.
func TestWorkbook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.xlsx")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"[Content_Types].xml", "xl/workbook.xml"} {
		if _, err := z.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if files, problems := new(Files).Discover([]string{path}); len(files) != 0 || len(problems) != 1 || !strings.Contains(problems[0].Err.Error(), "Excel") {
		t.Errorf("files %q, problems %v", files, problems)
	}
}

// TestNestedArchive: an archive in an archive is said to be one.
func TestNestedArchive(t *testing.T) {
	_, shapes := testLayout(t)
	tarball := string(tarOf(t, "a"))
	nested := filepath.Join(t.TempDir(), "nested.tar")
	var outer bytes.Buffer
	w := tar.NewWriter(&outer)
	if err := w.WriteHeader(&tar.Header{Name: "inner.tar", Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(tarball))}); err != nil {
		t.Fatal(err)
	}
	_, err := io.WriteString(w, tarball)
	if err = errors.Join(err, w.Close(), os.WriteFile(nested, outer.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := new(Files).Open(nested+"!inner.tar", shapes); err == nil || !strings.Contains(err.Error(), "archive in an archive") {
		t.Errorf("an archive in an archive: %v", err)
	}
}
