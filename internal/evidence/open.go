package evidence

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// File is one file of evidence that has been recognised. It can be read several times.
type File struct {
	Path  string
	Shape *Shape
	// Keys are the headers of a CSV, or the keys of the first records.
	Keys []string
	// Bytes is the size on disk; of a file in an archive, what it takes there.
	Bytes int64
	// OnRead is told how many bytes of it each read took; may be nil.
	OnRead func(n int)

	files     *Files // which opened it
	header    []byte // the first bytes, decoded
	whole     bool   // they are all of it
	mark      int64  // bytes of the byte order mark before the text
	container Container
	wraps     []*Shape // what the records are wrapped in, the outermost first
	page      []string // the path to the records of an enclosing object
	bundle    []string // the path to several records inside of the wraps
	spread    int      // how many of the wraps are taken off while the stream is read, because of a bundle
	shapes    []Shape
	separator byte
	foreign   bool          // rows of the Entra admin centre under headers in a language that no shape knows
	zones     []*headerZone // of the columns of a CSV whose times are not in UTC

	unpackedAt string     // where the text lies when Path has it in another form
	stdin      *stdinRead // of standard input, which can be read once only

	sum   string // the SHA-256, once the file has been read to its end
	sumMu sync.Mutex

	orderOnce sync.Once
	order     dayOrder
}

// Stdin is the path of standard input.
const Stdin = "-"

// stdinRead is standard input, with its hash and length as far as it has been read.
type stdinRead struct {
	r    *bufio.Reader
	hash hash.Hash
	n    int64
}

func (s *stdinRead) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	_, _ = s.hash.Write(p[:n])
	return n, err
}

// Close leaves standard input open.
func (s *stdinRead) Close() error { return nil }

// Once reports whether the file can be read once only. Its hash and size are known when it has been.
func (f *File) Once() bool { return f.stdin != nil }

// Unpacked reports whether the file holds its rows in another form than text, so that a row has no offset.
func (f *File) Unpacked() bool { return f.unpackedAt != "" }

// ShapeName is the name of the shape, behind those of what its records are wrapped in.
func (f *File) ShapeName() string {
	name := ""
	for _, w := range f.wraps {
		name += w.Name + "/"
	}
	if f.unpackedAt != "" {
		name = "parquet/" + name
	}
	return name + f.Shape.Name
}

// NotRecognised says why a file is no evidence that can be read, and what to do.
type NotRecognised struct {
	Reason, Help string
}

func (e *NotRecognised) Error() string { return e.Reason }

// Hint says what to do.
func (e *NotRecognised) Hint() string { return e.Help }

// sniffSize is how much of a file is looked at to recognise it, and sniffMore how much where that is not enough: the first
// record may be as large as a message of an Event Hub, or come behind a long list of something else.
const (
	sniffSize = 256 << 10
	sniffMore = 8 << 20
)

// Open looks at the first bytes of a file and chooses its shape.
func (s *Files) Open(path string, shapes []Shape) (*File, error) {
	return s.OpenUnpacked(path, "", shapes)
}

// OpenUnpacked opens a file whose text has been written elsewhere, because the file holds it in another form.
func (s *Files) OpenUnpacked(path, unpacked string, shapes []Shape) (*File, error) {
	f := &File{Path: path, files: s, shapes: shapes, unpackedAt: unpacked}
	if path == Stdin {
		return f, f.openStdin()
	}
	raw, size, err := s.openRaw(path)
	if err != nil {
		return nil, err
	}
	_ = raw.Close()
	f.Bytes = size
	r, closer, err := f.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = closer.Close() }()
	f.header, err = readMost(r, nil, sniffSize, size)
	n := len(f.header)
	var broken *damagedError
	if n == 0 && errors.As(err, &broken) {
		return nil, damaged(broken.what, errors.New(broken.reason))
	}
	f.whole = err == nil && n < sniffSize
	if err = f.recognise(); err == nil || n < sniffSize {
		if err == nil && !f.whole && size <= heldMost {
			f.hold(r)
		}
		return f, err
	}
	more := make([]byte, sniffMore)
	m, _ := io.ReadFull(r, more[copy(more, f.header):])
	f.header = more[:n+m]
	return f, f.recognise()
}

// heldMost is how large a file may be, and its text, that is read whole when it is opened.
const heldMost = 4 << 20

// hold reads what follows the header, r, if that is not too much.
func (f *File) hold(r io.Reader) {
	text, err := readMost(r, f.header, heldMost, f.Bytes)
	if f.whole = err == nil && len(text) < heldMost; f.whole {
		f.header = text
	}
}

// readMost appends what r has to text, up to so many bytes in all; likely is about how many they are.
func readMost(r io.Reader, text []byte, most, likely int64) ([]byte, error) {
	more := max(min(likely, most)-int64(len(text)), 0)
	b := bytes.NewBuffer(slices.Grow(text, int(more)+bytes.MinRead))
	_, err := b.ReadFrom(io.LimitReader(r, most-int64(len(text))))
	return b.Bytes(), err
}

// Held is how many bytes of text the file holds in memory, when they are all of it: such a file is not read again. It is 0
// of a larger one.
func (f *File) Held() int {
	if !f.whole {
		return 0
	}
	return len(f.header)
}

// openStdin looks at the beginning of standard input without taking it away.
func (f *File) openStdin() error {
	f.stdin = &stdinRead{r: bufio.NewReaderSize(os.Stdin, sniffSize), hash: sha256.New()}
	packed, _ := f.stdin.r.Peek(sniffSize)
	plain, err := unpack(bufio.NewReaderSize(bytes.NewReader(packed), 64<<10), &counted{n: int64(len(packed))})
	if err != nil {
		return err
	}
	head := make([]byte, sniffSize)
	n, _ := io.ReadFull(f.decoded(plain), head)
	f.header = head[:n]
	return f.recognise()
}

func damaged(what string, err error) error {
	return &NotRecognised{(&damagedError{what, err.Error()}).Error(), "copy the file again from its origin"}
}

// openRaw opens the bytes of a file as they lie on disk, or unpacked from its archive.
func (s *Files) openRaw(path string) (io.ReadCloser, int64, error) {
	file, err := os.Open(path)
	if err == nil {
		info, err := file.Stat()
		if err == nil && info.IsDir() {
			err = errors.New("it is a folder")
		}
		if err != nil {
			return nil, 0, errors.Join(err, file.Close())
		}
		return file, info.Size(), nil
	}
	for at := 0; ; {
		next := strings.Index(path[at:], inArchive)
		if next < 0 {
			return nil, 0, plainError(err)
		}
		at += next
		if info, statErr := os.Stat(path[:at]); statErr == nil && info.Mode().IsRegular() {
			return s.openInside(path[:at], path[at+len(inArchive):])
		}
		at++
	}
}

// open returns the decoded text of the file: unpacked, without byte order mark, UTF-16 turned into UTF-8.
func (f *File) open() (io.Reader, io.Closer, error) {
	if f.whole {
		return bytes.NewReader(f.header), io.NopCloser(nil), nil
	}
	file, err := f.bytes()
	if err != nil {
		return nil, nil, err
	}
	read := &counted{Reader: file, told: f.OnRead}
	if f.known() == "" && f.stdin == nil && f.unpackedAt == "" {
		read.hash, read.summed = sha256.New(), f.summed
	}
	buffered := bufio.NewReaderSize(read, 64<<10)
	if buffered, err = unpack(buffered, read); err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return f.decoded(buffered), file, nil
}

// bytes opens the file as it lies on disk.
func (f *File) bytes() (io.ReadCloser, error) {
	if f.stdin != nil {
		return f.stdin, nil
	}
	path := f.Path
	if f.unpackedAt != "" {
		path = f.unpackedAt
	}
	file, _, err := f.files.openRaw(path)
	return file, err
}

// unpackers open compressed data by its first bytes.
var unpackers = []struct {
	name, magic string
	open        func(io.Reader) (io.Reader, error)
}{
	{"gzip", "\x1f\x8b", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	{"zstd", "\x28\xb5\x2f\xfd", func(r io.Reader) (io.Reader, error) {
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
	}},
	{"Avro", "Obj\x01", openAvro},
}

func unpack(r *bufio.Reader, read *counted) (*bufio.Reader, error) {
	for _, u := range unpackers {
		if head, _ := r.Peek(len(u.magic)); string(head) != u.magic {
			continue
		}
		plain, err := u.open(r)
		if err != nil {
			return nil, damaged(u.name, err)
		}
		return bufio.NewReaderSize(&unpacked{r: plain, what: u.name, packed: read.total}, 64<<10), nil
	}
	return r, nil
}

// damagedError is an error of unpacking. It never looks like the end of a file.
type damagedError struct{ what, reason string }

func (e *damagedError) Error() string { return "the " + e.what + " data is damaged: " + e.reason }

// A file that grows more than bombRatio times, beyond bombSize, is no log but made to fill memory and time.
const (
	bombRatio = 1000
	bombSize  = 256 << 20
)

// unpacked watches over unpacking.
type unpacked struct {
	r      io.Reader
	what   string
	packed func() int64
	n      int64
}

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.n += int64(n)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		err = &damagedError{u.what, err.Error()}
	case u.n > bombSize && u.n > bombRatio*max(u.packed(), 1):
		err = &damagedError{u.what, fmt.Sprintf("it grows more than %d times, as no log does", bombRatio)}
	}
	return n, err
}

// counted counts what was read, and tells it and its hash.
type counted struct {
	io.Reader
	told   func(n int)
	n      int64
	hash   hash.Hash // nil where nobody asks for it
	summed func(sum []byte)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	if c.told != nil {
		c.told(n)
	}
	if c.hash != nil {
		_, _ = c.hash.Write(p[:n])
		if errors.Is(err, io.EOF) {
			c.summed(c.hash.Sum(nil))
		}
	}
	return n, err
}

func (c *counted) total() int64 { return c.n }

// Hash returns the SHA-256 of the file as it lies on disk, or in its archive. It costs nothing when the file has been read
// to its end: it was made on the way.
func (f *File) Hash() (string, error) {
	if f.stdin != nil {
		f.Bytes = f.stdin.n
		return hex.EncodeToString(f.stdin.hash.Sum(nil)), nil
	}
	if sum := f.known(); sum != "" {
		return sum, nil
	}
	return f.files.Hash(f.Path)
}

func (f *File) summed(sum []byte) {
	f.sumMu.Lock()
	defer f.sumMu.Unlock()
	f.sum = hex.EncodeToString(sum)
}

func (f *File) known() string {
	f.sumMu.Lock()
	defer f.sumMu.Unlock()
	return f.sum
}

// Hash returns the SHA-256 of the file at a path as evidence names it, which may lie in an archive.
func (s *Files) Hash(path string) (string, error) {
	file, _, err := s.openRaw(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// byteOrderMark is that of UTF-8.
var byteOrderMark = []byte{0xef, 0xbb, 0xbf}

// decoded takes a byte order mark off and turns UTF-16, with or without one, into UTF-8.
func (f *File) decoded(r *bufio.Reader) io.Reader {
	head, _ := r.Peek(4)
	switch {
	case bytes.HasPrefix(head, byteOrderMark): // more than one where files that have one were joined
		for f.mark = 0; bytes.HasPrefix(head, byteOrderMark); head, _ = r.Peek(4) {
			n, _ := r.Discard(len(byteOrderMark))
			f.mark += int64(n)
		}
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		_, _ = r.Discard(2)
		return &utf16Reader{r: r}
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		_, _ = r.Discard(2)
		return &utf16Reader{r: r, bigEndian: true}
	case len(head) == 4 && head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return &utf16Reader{r: r}
	case len(head) == 4 && head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
		return &utf16Reader{r: r, bigEndian: true}
	}
	return r
}

// utf16Reader turns UTF-16 into UTF-8. Half of a surrogate pair becomes bytes that are no UTF-8, so that its record is
// rejected and not changed.
type utf16Reader struct {
	r         *bufio.Reader
	bigEndian bool
	out       []byte
	at        int
	high      rune
	end       error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	if u.at == len(u.out) {
		u.out, u.at = u.out[:0], 0
		for len(u.out) < len(p) && u.end == nil {
			var pair [2]byte
			if _, u.end = io.ReadFull(u.r, pair[:]); u.end == nil {
				u.unit(pair)
			}
		}
		if u.end != nil && u.high != 0 {
			u.out = append(u.out, 0xff)
			u.high = 0
		}
	}
	n := copy(p, u.out[u.at:])
	u.at += n
	if n == 0 && u.end != nil {
		if errors.Is(u.end, io.ErrUnexpectedEOF) {
			u.end = io.EOF
		}
		return 0, u.end
	}
	return n, nil
}

func (u *utf16Reader) unit(pair [2]byte) {
	c := rune(pair[0]) | rune(pair[1])<<8
	if u.bigEndian {
		c = rune(pair[1]) | rune(pair[0])<<8
	}
	if u.high != 0 {
		full := utf16.DecodeRune(u.high, c)
		u.high = 0
		if full != '\ufffd' {
			u.out = append(u.out, string(full)...)
			return
		}
		u.out = append(u.out, 0xff)
	}
	switch {
	case c >= 0xd800 && c < 0xdc00:
		u.high = c
	case utf16.IsSurrogate(c):
		u.out = append(u.out, 0xff)
	default:
		u.out = append(u.out, string(c)...)
	}
}

// Read opens the file for reading block by block. Rejects of the framing itself go to reject.
func (f *File) Read(reject func(Reject)) (*Stream, error) {
	r, closer, err := f.open()
	if err != nil {
		return nil, err
	}
	return f.stream(r, closer, reject), nil
}

// Head is a stream of the first records only, as far as they have been looked at.
func (f *File) Head() *Stream {
	return f.stream(bytes.NewReader(f.header), io.NopCloser(nil), func(Reject) {})
}

func (f *File) stream(r io.Reader, closer io.Closer, reject func(Reject)) *Stream {
	s := &Stream{closer: closer}
	if f.spread > 0 {
		s.bundles, s.peel = f, &Decoder{file: f}
	}
	s.framer = &framer{r: r, at: Place{1, f.mark}, reject: reject}
	switch f.container {
	case CSV:
		s.framer.split = splitCSV
		s.framer.state.comma = f.separator
	case JSON:
		if !f.linewise() {
			s.framer.split = splitValues
			s.framer.state.page = f.page
		}
	case Tables:
		s.rows = &tableRows{}
		s.framer.split = s.rows.split
	}
	return s
}

// linewise reports whether each line is a record: the first one fills its line, or the second line begins another.
func (f *File) linewise() bool {
	head := bytes.TrimLeft(f.header, " \t\r\n")
	if len(f.wraps) > 0 && f.wraps[0].Prefix {
		return true
	}
	line := bytes.IndexByte(head, '\n')
	if line < 0 || f.page != nil || head[0] != '{' {
		return false
	}
	end, whole := valueEnd(head, 0)
	if whole && end <= line {
		rest := bytes.TrimSpace(head[end:line])
		return len(rest) == 0 || rest[0] != '{' && rest[0] != ',' // another one on the line, or a list without brackets
	}
	return bytes.HasPrefix(bytes.TrimLeft(head[line:], " \t\r\n"), []byte(`{"`)) && line > 2
}

// Stream hands out the blocks of a file to its readers, which may be several at once.
type Stream struct {
	mu     sync.Mutex
	framer *framer
	rows   *tableRows // of an answer with columns and rows apart
	aside  *asideReader
	closer io.Closer
	paused bool

	bundles *File // whose records hold several, nil where each is one
	peel    *Decoder
}

// Pause lets every reader find an end where its block ends. No record is lost: those who come after Resume go on there.
func (s *Stream) Pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = true
}

// Resume ends a pause and reports whether there was one.
func (s *Stream) Resume() (paused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	paused, s.paused = s.paused, false
	return paused
}

// next returns the next block; ok is false at the end of the file or in a pause. old is the block that the caller is done with.
func (s *Stream) next(old []byte) (Block, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused {
		return Block{}, false
	}
	if s.aside != nil {
		return s.aside.next(old)
	}
	block, ok := s.framer.next(old)
	switch {
	case !ok:
	case s.rows != nil:
		block = s.rows.objects(block)
	case s.bundles != nil:
		block = s.bundles.spreadOut(block, s.peel)
	}
	return block, ok
}

// Close ends the reading. The error is what cut the file short, nil when it was read to its end.
func (s *Stream) Close() error {
	_ = s.closer.Close()
	switch {
	case s.aside != nil:
		return s.aside.err
	case s.rows != nil && s.framer.broken == nil:
		return s.rows.err()
	}
	return nil // the framer has rejected what was cut
}

// NextPage is the address of the page that follows what the file holds, as the API gave it; "" when the file ends with the
// last one. It is known at the end of the stream.
func (s *Stream) NextPage() string { return s.framer.state.next }

// Failure is what the service says went wrong with the query whose result the file holds; "" when it is whole. It is known at
// the end of the stream.
func (s *Stream) Failure() string {
	if s.rows == nil {
		return ""
	}
	return s.rows.failed
}

// Place is how far the stream has come.
func (s *Stream) Place() Place { return s.framer.at }

// IsParquet reports whether the file at a path is Parquet, which this package cannot read.
func IsParquet(path string) bool {
	return path != Stdin && startsWith(path, "PAR1")
}
