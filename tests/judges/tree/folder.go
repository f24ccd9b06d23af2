package main

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// folder has the tiles of a log under the names of C2SP tlog-tiles.
type folder string

var _ tlog.TileReader = folder("")

func (f folder) Height() int { return height }

func (f folder) SaveTiles(tiles []tlog.Tile, data [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range tiles {
		octets, err := os.ReadFile(f.path(tile))
		if os.IsNotExist(err) && tile.W < 1<<height {
			// A partial tile may be gone once the full one is there.
			octets, err = os.ReadFile(f.path(tlog.Tile{H: height, L: tile.L, N: tile.N, W: 1 << height}))
			if err == nil {
				octets = octets[:tile.W*tlog.HashSize]
			}
		}
		if err != nil {
			return nil, err
		}
		data = append(data, octets)
	}
	return data, nil
}

func (f folder) write(tile tlog.Tile, data []byte) error {
	path := f.path(tile)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

func (f folder) path(tile tlog.Tile) string {
	return filepath.Join(string(f), tilePath(fmt.Sprint(tile.L), tile))
}

// tilePath is a tile's name as C2SP tlog-tiles has it; kind is its level, or "entries".
func tilePath(kind string, tile tlog.Tile) string {
	number := fmt.Sprintf("%03d", tile.N%1000)
	for n := tile.N / 1000; n > 0; n /= 1000 {
		number = fmt.Sprintf("x%03d/%s", n%1000, number)
	}
	path := "tile/" + kind + "/" + number
	if tile.W < 1<<height {
		path += fmt.Sprintf(".p/%d", tile.W)
	}
	return path
}
