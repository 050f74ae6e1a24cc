package evidence

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// inArchive separates the path of a file in an archive: archive.zip!inside/file.json.
const inArchive = "!"

// maxInArchive bounds how many files of an archive are read.
const maxInArchive = 100_000

// archive is the list of what a zip or tar archive holds. Nothing is ever written under a name that stands in it.
type archive struct {
	names  []string // in their order, folders left out
	files  map[string]archived
	broken error // where it is cut or damaged: what stands behind that is not in the list

	path     string // of the file as it was when it was listed
	modified time.Time
	size     int64

	file  *os.File     // which the files are read from
	users atomic.Int32 // who may read from it: a Files as long as it was asked for last, and each file that is open
}

// release gives the archive's file free when nobody uses it any more.
func (a *archive) release() error {
	if a.users.Add(-1) > 0 {
		return nil
	}
	return a.file.Close()
}

// archived is a file in an archive.
type archived struct {
	size int64 // that it takes there
	open func() (io.ReadCloser, error)
}

// archives are the kinds of archive, told by the first bytes of a file.
var archives = []struct {
	name string
	is   func(head []byte) bool
	list func(file *os.File, size int64, scratch string) (*archive, error)
}{
	{"zip", isZip, listZip},
	{"tar", isTar, listTar},
	{"compressed tar", isPackedTar, listPackedTar},
}

func isZip(head []byte) bool { return bytes.HasPrefix(head, []byte("PK\x03\x04")) }

// tarHead is how much of a tar archive tells it: the magic stands at the end of the first header's names.
const (
	tarHead  = 512
	tarMagic = 257
)

func isTar(head []byte) bool {
	return len(head) >= tarHead && bytes.HasPrefix(head[tarMagic:], []byte("ustar"))
}

func isPackedTar(head []byte) bool {
	packed := bufio.NewReader(bytes.NewReader(head))
	plain, err := unpack(packed, &counted{n: int64(len(head))})
	if err != nil || plain == packed {
		return false
	}
	first := make([]byte, tarHead)
	_, err = io.ReadFull(plain, first)
	return err == nil && isTar(first)
}

// archiveHead is how much of a file is looked at to tell whether it is an archive: what of a compressed one unpacks to the
// first header.
const archiveHead = 64 << 10

// errNoArchive says that a file is no archive that can be opened.
var errNoArchive = errors.New("no archive")

// archive lists the archive at a path; who asked for it releases it. What is damaged is said by the error, errNoArchive that it
// is none.
func (s *Files) archive(path string) (*archive, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoArchive, err)
	}
	a, err := s.listed(path, file)
	if a == nil || a.file != file {
		_ = file.Close() // nothing was written to it
	}
	if err != nil {
		return nil, err
	}
	if a != s.last {
		if s.last != nil {
			_ = s.last.release()
		}
		a.users.Add(1)
		s.last = a
	}
	a.users.Add(1)
	return a, nil
}

// listed is the list of an open archive, the last one's where that is it. The archive's files may be read from another file.
func (s *Files) listed(path string, file *os.File) (*archive, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if a := s.last; a != nil && a.path == path && a.size == info.Size() && a.modified.Equal(info.ModTime()) {
		return a, nil
	}
	head := make([]byte, archiveHead)
	n, _ := file.ReadAt(head, 0)
	for _, kind := range archives {
		if !kind.is(head[:n]) {
			continue
		}
		a, err := kind.list(file, info.Size(), s.Scratch)
		var full *fs.PathError
		if err != nil && !errors.As(err, &full) { // else of unpacking, not of the archive
			err = damaged(kind.name, err)
		}
		if err != nil {
			return nil, err
		}
		a.path, a.modified, a.size = path, info.ModTime(), info.Size()
		return a, nil
	}
	return nil, errNoArchive
}

func (a *archive) add(name string, f archived) {
	a.names = append(a.names, name)
	if _, twice := a.files[name]; !twice {
		a.files[name] = f
	}
}

// cut notes where the archive is damaged. The file before that was not passed over whole.
func (a *archive) cut(err error) {
	a.broken = err
	if last := len(a.names) - 1; last >= 0 {
		delete(a.files, a.names[last])
		a.names = a.names[:last]
	}
}

func listZip(file *os.File, size int64, _ string) (*archive, error) {
	z, err := zip.NewReader(file, size)
	if err != nil {
		return nil, err
	}
	a := &archive{file: file, files: map[string]archived{}}
	for _, entry := range z.File {
		if entry.FileInfo().IsDir() {
			continue
		}
		packed := int64(entry.CompressedSize64)
		a.add(entry.Name, archived{packed, func() (io.ReadCloser, error) {
			if entry.Flags&1 != 0 {
				return nil, &NotRecognised{"the file in the archive is encrypted", "unpack it with its password and give the folder"}
			}
			r, err := entry.Open()
			if err != nil {
				return nil, damaged("zip", err)
			}
			return struct {
				io.Reader
				io.Closer
			}{&unpacked{r: r, what: "zip", packed: func() int64 { return packed }}, r}, nil
		}})
	}
	return a, nil
}

func listTar(file *os.File, _ int64, _ string) (*archive, error) {
	a := &archive{file: file, files: map[string]archived{}}
	for t := tar.NewReader(file); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			a.cut(damaged("tar", err))
			return a, nil
		}
		if h.Typeflag != tar.TypeReg { // folders, and links, which hold nothing
			continue
		}
		at, err := file.Seek(0, io.SeekCurrent) // where its bytes begin: the reader takes no more than the header
		if err != nil {
			return nil, err
		}
		size := h.Size
		a.add(strings.TrimPrefix(h.Name, "./"), archived{size, func() (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(file, at, size)), nil
		}})
	}
}

// listPackedTar unpacks a compressed tar archive into a temporary file without a name: its files could be reached only by
// unpacking it anew for each.
func listPackedTar(packed *os.File, _ int64, scratch string) (*archive, error) {
	read := &counted{Reader: packed}
	plain, err := unpack(bufio.NewReaderSize(read, 64<<10), read)
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(scratch, "replaytrace-")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(file.Name()) // where a file that is open cannot be removed, it stays in the folder
	_, err = io.Copy(file, plain)
	var broken *damagedError
	if errors.As(err, &broken) { // what came before is whole
		err = nil
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	var a *archive
	if err == nil {
		a, err = listTar(file, 0, "")
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if broken != nil {
		a.broken = damaged(broken.what, errors.New(broken.reason))
	}
	return a, nil
}

// workbook is the member of a zip archive that makes it a workbook of Excel.
const workbook = "xl/workbook.xml"

// filesIn lists the files in an archive by their paths.
func (s *Files) filesIn(path string) (files []string, problems []Problem, isArchive bool) {
	if path == Stdin {
		return nil, nil, false
	}
	a, err := s.archive(path)
	var broken *NotRecognised
	switch {
	case errors.As(err, &broken):
		return nil, []Problem{{path, broken, broken.Help}}, true
	case errors.Is(err, errNoArchive): // nor is what cannot be opened, which is said when it is read
		return nil, nil, false
	case err != nil:
		return nil, []Problem{{path, fmt.Errorf("unpack the archive: %w", err), "unpack it and give the folder"}}, true
	}
	defer func() { _ = a.release() }()
	if _, isWorkbook := a.files[workbook]; isWorkbook {
		return nil, []Problem{{path, errors.New("the file is a workbook of Excel"), "give the export from which it was made, or save each sheet as CSV UTF-8"}}, true
	}
	seen := map[string]bool{}
	for i, entry := range a.names {
		name := path + inArchive + entry
		switch {
		case i >= maxInArchive:
			return files, append(problems, Problem{path, fmt.Errorf("the archive holds more than %d files", maxInArchive), "unpack it and give the folder"}), true
		case !fs.ValidPath(entry):
			problems = append(problems, Problem{name, errors.New("the name leads out of the archive"), "unpack the archive with care and give the file itself"})
		case seen[entry]:
			problems = append(problems, Problem{name, errors.New("the archive holds two files of this name, and the first one was read"), "unpack the other one and give it as well"})
		default:
			files = append(files, name)
		}
		seen[entry] = true
	}
	if errors.As(a.broken, &broken) {
		problems = append(problems, Problem{path, fmt.Errorf("%w; only what comes before that is read", broken), broken.Help})
	}
	if len(a.names) == 0 && broken == nil {
		problems = append(problems, Problem{path, errors.New("the archive holds no file"), "export sign-in logs into it"})
	}
	return files, problems, true
}

// openInside opens a file in an archive.
func (s *Files) openInside(path, name string) (io.ReadCloser, int64, error) {
	a, err := s.archive(path)
	if err != nil {
		return nil, 0, err
	}
	f, found := a.files[name]
	if !found {
		return nil, 0, errors.Join(fmt.Errorf("no file %s in the archive", name), a.release())
	}
	r, err := f.open()
	if err != nil {
		return nil, 0, errors.Join(err, a.release())
	}
	return &inside{r, a}, f.size, nil
}

// inside is a file in an archive that is being read.
type inside struct {
	io.ReadCloser
	archive *archive
}

// Close lets the archive go as well.
func (f *inside) Close() error { return errors.Join(f.ReadCloser.Close(), f.archive.release()) }
