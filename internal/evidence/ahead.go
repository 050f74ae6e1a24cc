package evidence

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// What is looked at ahead is a small part of a file, and some pieces of a large one.
const (
	aheadShare = 32
	aheadPiece = 128 << 10
	aheadMost  = 32 // pieces
)

// Ahead is a stream of records behind the first ones, to learn what a file says before it is read: where its text lies plain
// in lines, those of pieces spread over all of it up to its end, else those that come next. The pieces of a CSV may begin
// inside of a cell, and the last record of what comes next be cut, so that some records are none. It is nil of a small file
// and of one that can be read once only.
func (f *File) Ahead() (*Stream, error) {
	n := min(f.Bytes/aheadShare/aheadPiece, aheadMost)
	if n == 0 || f.Once() {
		return nil, nil
	}
	r, closer, err := f.open()
	if err != nil {
		return nil, err
	}
	next := io.LimitReader(r, sniffSize+n*aheadPiece)
	if file, ok := closer.(*os.File); ok && f.plain(file) && (f.container == CSV || f.linewise()) {
		text, err := pieces(file, n)
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		next = io.MultiReader(bytes.NewReader(wholeLines(f.header, 0)), bytes.NewReader(text))
	}
	return f.stream(next, closer, func(Reject) {}), nil
}

// plain reports whether the text lies in the file as it is.
func (f *File) plain(file io.ReaderAt) bool {
	head := make([]byte, min(len(f.header), aheadPiece))
	n, _ := file.ReadAt(head, f.mark)
	return n == len(head) && bytes.HasPrefix(f.header, head)
}

// pieces are the whole lines of n pieces of a file, of which the last one is its end.
func pieces(file *os.File, n int64) (text []byte, err error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	piece := make([]byte, aheadPiece)
	for i := range n {
		got, err := file.ReadAt(piece, max(info.Size()-aheadPiece, 0)*(i+1)/n)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		text = append(text, wholeLines(piece[:got], bytes.IndexByte(piece[:got], '\n')+1)...)
	}
	return text, nil
}

// wholeLines are the lines of text from a place on, up to the last one that ends.
func wholeLines(text []byte, from int) []byte {
	return text[from:max(from, bytes.LastIndexByte(text, '\n')+1)]
}
