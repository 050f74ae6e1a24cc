package evidence

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Aside keeps records in a file of its own until they are read again: a pass over a file loads one table, and those of the
// others wait here, because a stream can be read once only. It may be written to by several workers at once.
type Aside struct {
	mu   sync.Mutex
	file *os.File
	zip  *zstd.Encoder
}

// NewAside makes an empty one in a folder. Where the system allows it, nothing of it is left when the program dies.
func NewAside(dir string) (*Aside, error) {
	file, err := os.CreateTemp(dir, ".aside-*")
	if err != nil {
		return nil, fmt.Errorf("set records aside: %w", err)
	}
	_ = os.Remove(file.Name())
	zip, err := zstd.NewWriter(file, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("set records aside: %w", err), file.Close())
	}
	return &Aside{file: file, zip: zip}, nil
}

// Close gives its memory and its file free.
func (a *Aside) Close() error {
	err := errors.Join(a.zip.Close(), a.file.Close())
	_ = os.Remove(a.file.Name())
	return err
}

// Writer makes the writer of one worker.
func (a *Aside) Writer() *AsideWriter { return &AsideWriter{aside: a} }

// AsideWriter gathers the records of one worker.
type AsideWriter struct {
	aside *Aside
	block Block
	head  []byte
}

// Add sets a record aside.
func (w *AsideWriter) Add(r Record) error {
	start := len(w.block.Data)
	w.block.Data = append(w.block.Data, r.Text...)
	w.block.Records = append(w.block.Records, Extent{Start: start, End: len(w.block.Data), Place: r.Place})
	if len(w.block.Data) < blockSize {
		return nil
	}
	return w.Flush()
}

// Flush writes what is gathered. A block is the length of its head and of its data, then both; the head has the length, the
// line and the offset of each record.
func (w *AsideWriter) Flush() error {
	if len(w.block.Records) == 0 {
		return nil
	}
	w.head = w.head[:0]
	for _, e := range w.block.Records {
		w.head = binary.AppendUvarint(w.head, uint64(e.End-e.Start))
		w.head = binary.AppendVarint(w.head, e.Line)
		w.head = binary.AppendVarint(w.head, e.Offset)
	}
	var sizes [16]byte
	binary.LittleEndian.PutUint64(sizes[:], uint64(len(w.head)))
	binary.LittleEndian.PutUint64(sizes[8:], uint64(len(w.block.Data)))
	w.aside.mu.Lock()
	defer w.aside.mu.Unlock()
	for _, part := range [][]byte{sizes[:], w.head, w.block.Data} {
		if _, err := w.aside.zip.Write(part); err != nil {
			return fmt.Errorf("set records aside: %w", err)
		}
	}
	w.block = Block{Data: w.block.Data[:0], Records: w.block.Records[:0]}
	return nil
}

// Read ends the writing and reads the records back.
func (a *Aside) Read() (*Stream, error) {
	err := a.zip.Close()
	if err == nil {
		_, err = a.file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("read the records that were set aside: %w", err)
	}
	unzip, err := zstd.NewReader(a.file, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("read the records that were set aside: %w", err)
	}
	return &Stream{aside: &asideReader{r: bufio.NewReaderSize(unzip, 64<<10)}, closer: unzip.IOReadCloser()}, nil
}

// asideReader reads blocks back.
type asideReader struct {
	r   *bufio.Reader
	err error
}

func (a *asideReader) next(old []byte) (b Block, ok bool) {
	var sizes [16]byte
	if _, err := io.ReadFull(a.r, sizes[:]); err != nil {
		if !errors.Is(err, io.EOF) {
			a.err = err
		}
		return b, false
	}
	head := make([]byte, binary.LittleEndian.Uint64(sizes[:]))
	if n := int(binary.LittleEndian.Uint64(sizes[8:])); n <= cap(old) {
		b.Data = old[:n]
	} else {
		b.Data = make([]byte, n)
	}
	for _, part := range [][]byte{head, b.Data} {
		if _, a.err = io.ReadFull(a.r, part); a.err != nil {
			return Block{}, false
		}
	}
	for at := 0; len(head) > 0; {
		size, n := binary.Uvarint(head)
		line, m := binary.Varint(head[n:])
		offset, k := binary.Varint(head[n+m:])
		head = head[n+m+k:]
		b.Records = append(b.Records, Extent{Start: at, End: at + int(size), Place: Place{line, offset}})
		at += int(size)
	}
	return b, true
}
