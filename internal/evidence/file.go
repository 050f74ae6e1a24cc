package evidence

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
)

// File is one file of evidence that has been recognised. It can be read several times.
type File struct {
	Path  string
	Shape *Shape
	// Keys are the headers of a CSV, or the keys of the first records.
	Keys []string
	// Bytes is the size on disk.
	Bytes int64
	// OnRead is told how many bytes of it each read took; may be nil.
	OnRead func(n int)

	header []byte // the first bytes, decoded
}

// NotRecognised says why a file is no evidence that can be read, and what to do.
type NotRecognised struct {
	Reason, Help string
}

func (e *NotRecognised) Error() string { return e.Reason }

// Hint says what to do.
func (e *NotRecognised) Hint() string { return e.Help }

const sniffSize = 256 << 10

// Open looks at the first bytes of a file and chooses its shape.
func Open(path string, shapes []Shape) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, plainError(err)
	}
	f := &File{Path: path, Bytes: info.Size()}
	r, closer, err := f.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = closer.Close() }()
	head := make([]byte, sniffSize)
	n, err := io.ReadFull(r, head)
	if err != nil && n == 0 && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, &NotRecognised{"the compressed data is damaged: " + err.Error(), "copy the file again from its origin"}
	}
	f.header = head[:n]
	return f, f.recognise(shapes)
}

// open returns the decoded text of the file: unpacked, without byte order mark, UTF-16 turned into UTF-8.
func (f *File) open() (io.Reader, io.Closer, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, nil, plainError(err)
	}
	var r io.Reader = file
	if f.OnRead != nil {
		r = &counted{file, f.OnRead}
	}
	buffered := bufio.NewReaderSize(r, 64<<10)
	r = buffered
	if magic, _ := buffered.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		unpacked, err := gzip.NewReader(buffered)
		if err != nil {
			_ = file.Close()
			return nil, nil, &NotRecognised{"the gzip data is damaged: " + err.Error(), "copy the file again from its origin"}
		}
		buffered = bufio.NewReaderSize(unpacked, 64<<10)
		r = buffered
	}
	mark, _ := buffered.Peek(3)
	switch {
	case bytes.Equal(mark, []byte{0xef, 0xbb, 0xbf}):
		_, _ = buffered.Discard(3)
	case len(mark) >= 2 && mark[0] == 0xff && mark[1] == 0xfe:
		_, _ = buffered.Discard(2)
		r = &utf16Reader{r: buffered}
	case len(mark) >= 2 && mark[0] == 0xfe && mark[1] == 0xff:
		_, _ = buffered.Discard(2)
		r = &utf16Reader{r: buffered, bigEndian: true}
	}
	return r, file, nil
}

// counted tells how much was read.
type counted struct {
	io.Reader
	told func(n int)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.told(n)
	return n, err
}

// Hash returns the SHA-256 of the file as it lies on disk.
func (f *File) Hash() (string, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return "", plainError(err)
	}
	defer func() { _ = file.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (f *File) recognise(shapes []Shape) error {
	head := bytes.TrimSpace(f.header)
	switch {
	case len(head) == 0:
		return &NotRecognised{"the file is empty", "export it again"}
	case bytes.HasPrefix(head, []byte("7z\xbc\xaf")), bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return &NotRecognised{"the file is an archive", "unpack it first and give the folder"}
	case bytes.IndexByte(f.header, 0) >= 0:
		return &NotRecognised{"the file is binary", "give exports as CSV or JSON, plain or gzip"}
	}
	container, keys := f.sniff(head)
	for i := range shapes {
		if shapes[i].Matches(container, keys) {
			f.Shape, f.Keys = &shapes[i], keys
			return nil
		}
	}
	return &NotRecognised{
		fmt.Sprintf("no sign-in evidence recognised (it reads as %s)", container),
		"give Log Analytics exports: portal CSV, JSON lines, a JSON array, or the query API's response",
	}
}

func (f *File) sniff(head []byte) (Container, []string) {
	switch head[0] {
	case '{':
		keys := objectKeys(head)
		if len(keys) > 0 && (keys[0] == "tables" || keys[0] == "Tables" || contains(keys, "tables") && bytes.Contains(head, []byte(`"columns"`))) {
			return Tables, keys
		}
		return JSON, keys
	case '[':
		at := bytes.IndexByte(head, '{')
		if at < 0 {
			return List, nil
		}
		return List, objectKeys(head[at:])
	}
	records, _ := splitCSV(append(append([]byte(nil), head...), '\n'), true, &splitState{header: true})
	if len(records) == 0 {
		return CSV, nil
	}
	var keys []string
	for _, c := range csvCells(head[records[0].Start:records[0].End], nil) {
		keys = append(keys, string(bytes.TrimSpace(c.Bytes)))
	}
	return CSV, keys
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// objectKeys returns the names of the members at the beginning of an object, as far as it can be read.
func objectKeys(b []byte) []string {
	var keys []string
	_, _ = members(b, 0, 0, func(_ int, name []byte, _ Span) error {
		keys = append(keys, string(unescape(nil, name)))
		return nil
	})
	return keys
}

// Read opens the file for reading block by block. Rejects of the framing itself go to reject.
func (f *File) Read(reject func(Reject)) (*Stream, error) {
	r, closer, err := f.open()
	if err != nil {
		return nil, err
	}
	s := &Stream{closer: closer}
	s.framer = &framer{r: r, line: 1, reject: reject}
	switch f.Shape.Container {
	case CSV:
		s.framer.split = splitCSV
	case List:
		s.framer.split = splitValues
	case JSON:
		if !f.linewise() {
			s.framer.split = splitValues
		}
	case Tables:
		s.api, err = newAPIReader(r)
		if err != nil {
			_ = closer.Close()
			return nil, err
		}
	}
	return s, nil
}

// linewise reports whether each line is a record: the first one fills its line, or the second line begins another.
func (f *File) linewise() bool {
	head := bytes.TrimLeft(f.header, " \t\r\n")
	line := bytes.IndexByte(head, '\n')
	if line < 0 {
		return false
	}
	end, whole := valueEnd(head, 0)
	return whole && end <= line || bytes.HasPrefix(bytes.TrimLeft(head[line:], " \t\r\n"), []byte(`{"`)) && line > 2
}

// Stream hands out the blocks of a file. Next may be called by several workers at once.
type Stream struct {
	mu     sync.Mutex
	framer *framer
	api    *apiReader
	closer io.Closer
}

// Next returns the next block; ok is false at the end of the file.
func (s *Stream) Next() (Block, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.api != nil {
		return s.api.next()
	}
	return s.framer.next()
}

// Close ends the reading. The error is what cut the file short, nil when it was read to its end.
func (s *Stream) Close() error {
	_ = s.closer.Close()
	if s.api != nil {
		return s.api.err
	}
	return s.framer.err
}

// Line is the line that the stream has come to.
func (s *Stream) Line() int64 {
	if s.api != nil {
		return s.api.line
	}
	return s.framer.line
}

// utf16Reader turns UTF-16 into UTF-8.
type utf16Reader struct {
	r         *bufio.Reader
	bigEndian bool
	out       []byte
	high      rune
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) < len(p) {
		var pair [2]byte
		if _, err := io.ReadFull(u.r, pair[:]); err != nil {
			if len(u.out) > 0 {
				break
			}
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = io.EOF
			}
			return 0, err
		}
		c := rune(pair[0]) | rune(pair[1])<<8
		if u.bigEndian {
			c = rune(pair[1]) | rune(pair[0])<<8
		}
		switch {
		case u.high != 0:
			c = utf16.DecodeRune(u.high, c)
			u.high = 0
		case utf16.IsSurrogate(c):
			u.high = c
			continue
		}
		u.out = append(u.out, string(c)...)
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}
